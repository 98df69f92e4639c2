"""The examples in docs/eventsourcing.md are run as they stand there, and print what is said there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from domain.instance.instance import Instance
from domain.instance.power import stop
from domain.instance.state import PowerState
from journal.authority import Source
from journal.envelope import Author
from tests.integration.conftest import Running
from tests.integration.persistence.servers import PlainServer
from tests.unit.domain.specification import AT, ID, placed, requested, seen

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "eventsourcing.md").read_text()
APPLICATION, REGION = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
APPLICATION_PRINTS, REGION_PRINTS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


async def printed(program: str, path: Path, env: dict[str, str]) -> str:
    path.write_text(program)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PERSISTENCE_MODULE": "journal.persistence", **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_the_application(plain_server: PlainServer, name: str, tmp_path: Path) -> None:
    env = {"NATS_URL": plain_server.url, "NATS_STREAM": name}
    assert await printed(APPLICATION, tmp_path / "school.py", env) == APPLICATION_PRINTS


async def test_the_log_of_a_region(region: Running, tmp_path: Path) -> None:
    repository = region.plane.repository
    await repository.create(requested(), Author(actor="user:test", source=Source.API))
    for change, source in (
        (placed(), Source.SCHEDULER),
        (seen(), Source.CONDUCTOR),
        (lambda it: stop(it, at=AT), Source.API),
        (seen(PowerState.SHUTDOWN), Source.CONDUCTOR),
    ):
        await repository.execute(Instance, ID, change, Author(actor="user:test", source=source))
    log = region.plane.region.log
    env = {
        "NATS_URL": log.url,
        "NATS_SEED": str(log.control_seed),
        "REGION_NATS_STREAM": "EVENTS",
        "REGION_NATS_AGGREGATE": "instance",
    }
    assert await printed(REGION, tmp_path / "stops.py", env) == REGION_PRINTS


def test_every_setting_is_in_the_table() -> None:
    settings = (ROOT / "journal" / "persistence" / "settings.py").read_text()
    named = set(re.findall(r'"((?:NATS|CREATE)_[A-Z]+)"', settings))
    assert named == set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
