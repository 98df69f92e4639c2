"""The page that describes the export's format: what it says reads what is written."""

import re
from pathlib import Path
from typing import Any

import pytest

from journal.bus import Bus
from services.cli.log.exporting import export
from services.cli.region import Region
from tests.integration.log.contents import content, digest, printed
from tests.integration.log.histories import hosts, write

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations" / "export-format.md"


async def test_the_reader_on_the_page_reads_an_export_and_finds_damage(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(3, events=100, size=4000))
    file = tmp_path / "export"
    await export(settings.data, file, with_secrets=True, as_json=True)
    said = printed(capsys)
    reader: dict[str, Any] = {}
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(code, reader)  # noqa: S102 -- it is ours
    assert list(reader["events"](file)) == await content(client)
    frames = list(reader["frames"](file))
    assert [kind for kind, *_ in frames[:2]] == ["header", "events"]
    assert frames[-1][:4] == ("end", 301, 300, said["digest"])
    assert said["digest"] == await digest(client)

    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match="damaged"):
        list(reader["frames"](file))
