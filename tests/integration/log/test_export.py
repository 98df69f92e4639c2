"""`chronova log export`: cut short and gone on with, from a region that runs and one that does not; refused in a sentence."""

import asyncio
import fcntl
import io
import resource
import shutil
from pathlib import Path

import pytest

from domain.host.host import register
from journal.bus import Bus
from journal.export.frames import Kind
from journal.export.reader import ExportReader, events_of
from journal.export.records import own_block
from journal.export.verification import Verification
from journal.repository import Repository
from journal.streams import prepare
from services.cli.log.exporting import export
from services.cli.log.opened import held
from services.cli.processes import began_at
from services.cli.region import Region, RegionError
from tests.integration.conftest import LogServer, until_connected
from tests.integration.journal.test_repository import anybody
from tests.integration.log.contents import Content, content, digest, kill_when, printed
from tests.integration.log.histories import AUTHOR, BEGIN, hosts, write
from tests.unit.domain.test_histories import inventory


def exported(file: Path) -> Content:
    """The events in a file, all of which is verified."""
    found: Content = []
    reader = ExportReader(io.BytesIO(file.read_bytes()))
    for frame in Verification(reader).frames():
        if frame.kind is Kind.EVENTS:
            found += [(it.position, it.subject, it.block, it.body) for it in events_of(frame)]
    assert reader.ending is not None
    return found


async def test_it_holds_every_event_byte_for_byte_and_the_digest_of_all(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(3, events=200, size=300))
    await Repository(client, may_append=anybody).create(
        register("by-a-service", inventory(1, 600, 1), at=BEGIN), AUTHOR
    )
    file = tmp_path / "export"
    await export(settings.data, file, with_secrets=False, as_json=True)
    said = printed(capsys)
    assert exported(file) == await content(client)
    assert b"Nats-" not in b"".join(own_block(block) for _, _, block, _ in exported(file))
    assert said == {
        "file": str(file),
        "region": settings.id,
        "events": 601,
        "digest": await digest(client),
        "mark": f"601:{await digest(client)}",
        "secrets": 0,
        "bytes": file.stat().st_size,
        "ratio": said["ratio"],
        "resumed_after": 0,
    }
    assert said["ratio"] > 2


async def test_what_is_appended_meanwhile_is_for_the_next(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest of the log belongs to another moment: an export is consistent up to a position."""
    await write(client, hosts(1, events=10))
    await export(settings.data, tmp_path / "first", with_secrets=False, as_json=True)
    await write(client, hosts(2, events=5)[5:])
    await export(settings.data, tmp_path / "second", with_secrets=False, as_json=True)
    assert exported(tmp_path / "second")[:10] == exported(tmp_path / "first")
    assert len(exported(tmp_path / "second")) == 15


async def test_one_that_was_killed_half_way_is_gone_on_with(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=1500, size=300))
    file = tmp_path / "export"
    part = tmp_path / "export.part"
    command = ["log", "export", str(file), "--data", str(settings.data)]
    kill_when("exported", 200, *command)
    assert not file.exists()
    assert part.stat().st_mode & 0o777 == 0o600
    kill_when("exported", 700, *command)
    whole_frames = part.stat().st_size
    with part.open("ab") as torn:
        torn.write(b"events 1100 1200 40000 torn")
    await write(client, hosts(2, events=10)[10:])

    await export(settings.data, file, with_secrets=False, as_json=True)

    said = printed(capsys)
    assert 700 <= said["resumed_after"] < 1500
    assert (said["events"], said["digest"]) == (1510, await digest(client))
    assert file.stat().st_size > whole_frames
    assert exported(file) == await content(client)
    assert not part.exists()


async def test_a_region_that_does_not_run_is_exported_too(
    client: Bus, log_server: LogServer, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=10))
    original = await content(client)
    await client.close()
    log_server.kill()
    await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)
    assert exported(tmp_path / "export") == original
    assert not (settings.run / "nats-server.pid").exists()


async def test_a_server_that_a_killed_export_has_left_is_ended_by_the_next(
    client: Bus, log_server: LogServer, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=1500, size=300))
    original = await content(client)
    await client.close()
    log_server.kill()
    file = tmp_path / "export"
    kill_when("exported", 200, "log", "export", str(file), "--data", str(settings.data))
    left = int((settings.run / "nats-server.pid").read_text().split()[0])
    assert began_at(left) != "0"
    await export(settings.data, file, with_secrets=False, as_json=True)
    assert began_at(left) == "0"
    assert exported(file) == original


async def test_a_log_whose_server_somebody_else_has_started_is_not_served_twice(
    client: Bus, settings: Region, tmp_path: Path
) -> None:
    elsewhere = settings.with_settings(nats_port=settings.api_port)  # nobody answers there, but the store is in use
    elsewhere.save()
    with pytest.raises(RegionError, match="has a server already, process"):
        await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)


async def test_a_region_that_another_command_uses_is_left_alone(
    client: Bus, log_server: LogServer, settings: Region, tmp_path: Path
) -> None:
    await client.close()
    log_server.kill()
    with held(settings), pytest.raises(RegionError, match="It is being used by another command: try again"):
        await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)


async def test_a_file_that_is_there_or_is_of_something_else_is_left_as_it_is(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=30, size=3000))
    file, part = tmp_path / "export", tmp_path / "export.part"

    async def refused(sentence: str, *, with_secrets: bool = False) -> None:
        before = {path: path.read_bytes() for path in (file, part) if path.exists()}
        with pytest.raises(RegionError, match=sentence):
            await export(settings.data, file, with_secrets=with_secrets, as_json=True)
        assert {path: path.read_bytes() for path in (file, part) if path.exists()} == before

    file.write_bytes(b"precious")
    await refused("export exists: name another file, or remove it")
    file.unlink()
    part.write_bytes(b"precious")
    await refused("export.part is in the way: it is no export of a Chronova log")
    part.unlink()

    await export(settings.data, file, with_secrets=False, as_json=True)
    file.rename(part)
    await refused("export.part was begun without --with-secrets: remove it", with_secrets=True)
    settings.with_settings(id="00000000-0000-4000-8000-000000000009").save()
    await refused("export.part is of another region: remove it")
    settings.save()


async def test_an_export_of_another_log_is_not_gone_on_with(
    client: Bus, log_server: LogServer, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=30))
    file = tmp_path / "export"
    await export(settings.data, file, with_secrets=False, as_json=True)
    file.rename(tmp_path / "export.part")
    log_server.kill()
    shutil.rmtree(settings.log.directory / "jetstream")
    log_server.start()
    await until_connected(log_server.log)
    while not client.is_connected:
        await asyncio.sleep(0.01)
    await prepare(client)
    await write(client, hosts(2, events=20))  # the same events, with other ids
    with pytest.raises(RegionError, match=r"export\.part is of another log: remove it"):
        await export(settings.data, file, with_secrets=False, as_json=True)


async def test_two_exports_do_not_write_one_file(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, hosts(1, events=10))
    with (tmp_path / "export.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RegionError, match=r"Another export is writing .*export\.part"):
            await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)
    await export(settings.data, tmp_path / "export", with_secrets=False, as_json=True)


async def test_a_file_that_cannot_grow_is_gone_on_with_once_it_can(
    client: Bus, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(client, (event for part in range(8) for event in hosts(part + 1, events=200, size=8000)[200 * part :]))
    file = tmp_path / "export"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RegionError, match=r"export\.part cannot be written: File too large\. Once it can be"):
            await export(settings.data, file, with_secrets=False, as_json=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not file.exists()
    await export(settings.data, file, with_secrets=False, as_json=True)
    assert printed(capsys)["resumed_after"] > 0
    assert exported(file) == await content(client)


async def test_a_place_where_nothing_can_be_written_is_said(client: Bus, settings: Region, tmp_path: Path) -> None:
    with pytest.raises(RegionError, match=r"nowhere/export\.part cannot be written: No such file or directory\.$"):
        await export(settings.data, tmp_path / "nowhere" / "export", with_secrets=False, as_json=True)
