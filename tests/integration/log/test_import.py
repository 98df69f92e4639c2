"""`chronova log import`: whole or not there, however it is cut short; and nothing that is there is written over."""

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any

import orjson
import pytest

from journal.bus import Bus
from journal.positions import Positions
from journal.streams import prepare
from services.cli.log.exporting import export
from services.cli.log.importing import import_log
from services.cli.log.opened import held, served
from services.cli.processes import began_at
from services.cli.region import IMPORTING, Region, RegionError
from services.cli.up import Options, up
from tests.e2e.conftest import chronova
from tests.integration.conftest import LogServer
from tests.integration.log.contents import Content, content, kill_when, opened, printed, stalled
from tests.integration.log.histories import hosts, write


class Exported:
    """An export, and the log that it was made of, whose region has ended."""

    def __init__(self, settings: Region, file: Path, original: Content, said: dict[str, Any]) -> None:
        self.settings = settings
        self.file = file
        self.original = original
        self.said = said

    def spoiled(self, name: str, content: bytes) -> Path:
        path = self.file.with_name(name)
        path.write_bytes(content)
        return path


@pytest.fixture
async def exported(
    client: Bus, log_server: LogServer, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Exported:
    await write(client, hosts(3, events=500, size=300))
    await Positions(client).put("scheduler", 1321)
    original = await content(client)
    await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)
    await client.close()
    log_server.kill()
    return Exported(settings, tmp_path / "export", original, printed(capsys))


async def require_same(exported: Exported, data: Path) -> None:
    assert not (data / IMPORTING).exists()
    imported = Region.load(data)
    assert imported is not None
    assert imported.id == exported.settings.id
    async with opened(data) as client:
        assert await content(client) == exported.original
        assert await Positions(client).everything() == {"scheduler": 1321}


def refuses_to_start(data: Path) -> None:
    for command in ("up", "events"):
        done = chronova(command, "--data", str(data))
        assert done.code == 1
        assert f"The region in {data} is not whole yet" in done.errors, done.errors
        assert "`chronova log import " in done.errors


@pytest.mark.parametrize(("what", "done"), [("verified", 1), ("imported", 1), ("imported", 900), ("read back", 1)])
async def test_one_that_was_killed_is_gone_on_with_by_the_same_command(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, done: int
) -> None:
    data = tmp_path / "rebuilt"
    command = ["log", "import", str(exported.file), "--data", str(data)]
    kill_when(what, done, *command)
    if what == "verified":
        assert not data.exists()
    else:
        refuses_to_start(data)
        if what == "imported":
            kill_when(what, done + 200, *command)
            left = int((data / "run" / "nats-server.pid").read_text().split()[0])
            assert began_at(left) != "0"

    await import_log(data, exported.file, as_json=True)

    said = printed(capsys)
    assert said["resumed_after"] >= {"verified": 0, "imported": done, "read back": 1500}[what]
    assert (said["events"], said["digest"]) == (1500, exported.said["digest"])
    await require_same(exported, data)
    if what == "imported":
        assert began_at(left) == "0"


async def test_one_that_is_told_to_end_ends_in_order_and_says_how_to_go_on(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "rebuilt"
    with stalled("imported", 500, "log", "import", str(exported.file), "--data", str(data)) as process:
        process.send_signal(signal.SIGINT)
        said, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 130
    assert said == b"chronova: Told to end. What is done is kept: the same command goes on from there.\n"
    assert not (data / "run" / "nats-server.pid").exists()
    await import_log(data, exported.file, as_json=True)
    assert printed(capsys)["resumed_after"] >= 500
    await require_same(exported, data)


async def test_a_file_that_is_damaged_torn_or_of_something_else_leaves_nothing_behind(
    exported: Exported, tmp_path: Path
) -> None:
    whole = exported.file.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    data = tmp_path / "rebuilt"
    for path, sentence in (
        (exported.spoiled("flipped", flipped), r"flipped cannot be imported: .*, after event \d+\.$"),
        (exported.spoiled("torn", whole[:-1]), r"torn cannot be imported: it ends too early, after event 1500\.$"),
        (exported.spoiled("begun", whole[:10]), r"begun cannot be imported: it is no export of a Chronova log\.$"),
        (exported.spoiled("foreign", b"PK\3\4" + whole), r"foreign cannot be imported: it is no export"),
        (exported.spoiled("newer", whole.replace(b" 1\n", b" 2\n", 1)), r"its format is 2, and this version reads"),
    ):
        with pytest.raises(RegionError, match=sentence):
            await import_log(data, path, as_json=True)
        assert not data.exists()
    done = chronova("log", "import", str(exported.file.with_name("nothing")), "--data", str(data))
    assert (done.code, done.errors) == (
        1,
        f"chronova: No such file or directory: {exported.file.with_name('nothing')}\n",
    )


async def test_a_directory_that_is_in_use_is_left_as_it_is(exported: Exported, tmp_path: Path) -> None:
    before = snapshot(exported.settings.data)
    with pytest.raises(RegionError, match=r"There is a region in .* already, and its log has 1,500 events"):
        await import_log(exported.settings.data, exported.file, as_json=True)
    after = snapshot(exported.settings.data)
    assert {name for name in before if "jetstream" not in name} <= after.keys()
    async with opened(exported.settings.data) as client:
        assert await content(client) == exported.original

    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter-1").write_text("precious")
    with pytest.raises(RegionError, match=r"is not empty and is no region \(chapter-1 is in it\)"):
        await import_log(thesis, exported.file, as_json=True)
    assert snapshot(thesis) == {"chapter-1": b"precious"}


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


async def test_a_region_that_runs_is_left_alone(exported: Exported, tmp_path: Path) -> None:
    region = Region(data=tmp_path / "running", hypervisor="simulated", hosts=("h",))
    region.save()
    with held(region):
        done = await asyncio.to_thread(chronova, "log", "import", str(exported.file), "--data", str(region.data))
    assert done.code == 1
    assert "It is being used by another command: try again" in done.errors


async def test_a_region_whose_log_is_empty_takes_the_import_and_keeps_its_ports(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region = Region(data=tmp_path / "begun", api_port=1234, nats_port=2345, hypervisor="auto")
    region.save()
    region.read_model.write_bytes(b"of a log that was here before")
    with held(region):
        async with served(region, name="test"):
            pass  # a first start that was cut short right after its log had begun
    await import_log(region.data, exported.file, as_json=True)
    await require_same(exported, region.data)
    imported = Region.load(region.data)
    assert imported is not None
    assert (imported.api_port, imported.nats_port, imported.hypervisor) == (1234, 2345, "simulated")
    assert imported.hosts == exported.settings.hosts
    assert not region.read_model.exists()


async def test_an_import_of_another_file_is_not_gone_on_with(exported: Exported, tmp_path: Path) -> None:
    data = tmp_path / "rebuilt"
    kill_when("imported", 700, "log", "import", str(exported.file), "--data", str(data))
    marker = orjson.loads((data / IMPORTING).read_bytes())
    marker["region"]["id"] = "00000000-0000-4000-8000-000000000009"
    (data / IMPORTING).write_bytes(orjson.dumps(marker))
    with pytest.raises(RegionError, match="Another region is being imported into"):
        await import_log(data, exported.file, as_json=True)


async def test_events_that_are_not_those_of_the_file_are_found_before_any_is_added(
    exported: Exported, tmp_path: Path
) -> None:
    """An older import, of a log that has been replaced since."""
    data = tmp_path / "rebuilt"
    kill_when("imported", 700, "log", "import", str(exported.file), "--data", str(data))
    other = Region.load(exported.settings.data)
    assert other is not None
    shutil.rmtree(other.log.directory / "jetstream")
    with held(other):
        async with served(other, name="test") as client:
            await prepare(client)
            await write(client, hosts(3, events=500, size=300))
    another = tmp_path / "another"
    await export(other.data, another, with_secrets=False, as_json=True)
    with pytest.raises(RegionError, match=r"Event 1 in .*rebuilt is not the one in .*another: name another"):
        await import_log(data, another, as_json=True)
    await import_log(data, exported.file, as_json=True)
    await require_same(exported, data)


async def test_an_empty_log_is_exported_and_imported_too(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)
    await import_log(tmp_path / "rebuilt", tmp_path / "export", as_json=True)
    said = printed(capsys)
    assert (said["events"], said["digest"]) == (0, "")
    async with opened(tmp_path / "rebuilt") as imported:
        assert await content(imported) == []


def test_up_says_when_another_command_uses_the_region(settings: Region, capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(settings.data, first_instance=False)
    with held(settings):
        assert up(options, detach=False) == 1
    assert "Another command is using the region in" in capsys.readouterr().err
