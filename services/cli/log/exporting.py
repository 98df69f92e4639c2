"""`chronova log export`: the whole log of a region into one file, from which the region can be built again elsewhere.

The file is FILE.part until it is whole. One that was cut short is gone on with: what is whole in it stays.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import orjson

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.export.contents import Header
from journal.export.errors import NotAnExport
from journal.export.records import own_block
from journal.export.resuming import Resumable, last_good_frame
from journal.export.writer import ExportWriter
from journal.follower import read
from journal.positions import Positions
from journal.streams import last_position
from projections.audit import Mark
from services.cli.log.moment import written
from services.cli.log.opened import open_log
from services.cli.log.progress import Progress
from services.cli.log.secret_parts import secret_parts
from services.cli.region import Region, RegionError, existing
from services.cli.terminal import say

SETTINGS = ("id", "hypervisor", "hosts", "api_port", "nats_port")
"""Of a region, what the one that is built from the export has too. What depends on the machine is found anew."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was done."""

    file: str
    region: str
    events: int
    digest: str
    mark: str | None  # for `chronova audit verify --expect`; None for an empty log
    secrets: int
    bytes: int  # of the file
    ratio: float  # bytes of what was written now before it was packed, for each byte after
    resumed_after: int  # position up to which an earlier export had come


async def export(data: Path, file: Path, *, with_secrets: bool, as_json: bool) -> None:
    """Write the file. Raises RegionError, JournalError."""
    region = existing(data)
    _require_free(file)
    part = file.with_name(f"{file.name}.part")
    with _claimed(part) as opened:
        try:
            exported = await _export(region, opened, file, with_secrets=with_secrets)
            opened.flush()
            os.fsync(opened.fileno())
            part.rename(file)
            _sync_directory(file.parent)
        except OSError as error:
            raise RegionError(
                f"{part} cannot be written: {error.strerror}. Once it can be, the same command goes on with what is in it."
            ) from error
    _tell(exported, region, as_json=as_json)


def _require_free(file: Path) -> None:
    if file.exists():
        raise RegionError(f"{file} exists: name another file, or remove it.")


async def _export(region: Region, file: BinaryIO, name: Path, *, with_secrets: bool) -> Exported:
    async with open_log(region, name="export") as bus:
        # In this order: no follower is further than what is exported.
        followers = await Positions(bus).everything()
        until = await last_position(bus)
        writer = await _begin(region, bus, file, until, with_secrets=with_secrets)
        before, resumed_after = file.tell(), writer.position
        with Progress("exported", until) as progress:
            async for batch in read(bus, after=writer.position, until=until):
                for stored in batch:
                    if writer.add(stored):
                        progress.at(writer.position)
        if with_secrets:
            async for key, value in secret_parts(region, bus, until=until):
                writer.add_secret(key, value)
        ending = writer.end(followers)
    size = file.tell()
    return Exported(
        file=str(name),
        region=region.id,
        events=ending.position,
        digest=ending.digest,
        mark=str(Mark(ending.position, ending.digest)) if ending.position else None,
        secrets=ending.secrets,
        bytes=size,
        ratio=round(writer.unpacked / max(1, size - before), 2),
        resumed_after=resumed_after,
    )


async def _begin(region: Region, bus: Bus, file: BinaryIO, until: int, *, with_secrets: bool) -> ExportWriter:
    """A writer at the end of what is whole in the file. Raises RegionError when it is of something else."""
    found = None
    if os.fstat(file.fileno()).st_size:
        try:
            found = await asyncio.to_thread(last_good_frame, file)
        except NotAnExport as error:
            raise RegionError(f"{file.name} is in the way: {error}. Remove it, or name another file.") from None
    if found is None:
        file.seek(0)
        file.truncate()
        writer = ExportWriter(file)
        settings = {name: getattr(region, name) for name in SETTINGS}
        writer.begin(Header(settings, version("chronova"), written(datetime.now(UTC)), with_secrets))
        return writer
    await _require_fitting(region, bus, file, found, until, with_secrets=with_secrets)
    file.seek(found.offset)
    file.truncate()
    return ExportWriter(file, framing=found.framing, position=found.position, digest=found.digest)


async def _require_fitting(
    region: Region, bus: Bus, file: BinaryIO, found: Resumable, until: int, *, with_secrets: bool
) -> None:
    """Raises RegionError for a file that is not the beginning of the export that was asked for."""
    newest = found.last
    if found.header.region["id"] != region.id:
        why = "is of another region"
    elif found.header.with_secrets != with_secrets:
        why = f"was begun {'with' if found.header.with_secrets else 'without'} --with-secrets"
    elif newest is None:
        return
    else:
        there = await DirectGet(bus, "EVENTS").at(newest.position) if newest.position <= until else None
        if there is not None and (there.subject, own_block(there.block), there.body) == (
            newest.subject,
            newest.block,
            newest.body,
        ):
            return
        why = "is of another log"
    raise RegionError(f"{file.name} {why}: remove it, or name another file.")


@contextlib.contextmanager
def _claimed(part: Path) -> Iterator[BinaryIO]:
    """The file, for us alone, and readable by its owner alone. Raises RegionError when it cannot be had."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)

    try:
        file = open(part, "r+b", opener=private)  # noqa: SIM115 -- made as it is opened, and closed below
    except OSError as error:
        raise RegionError(f"{part} cannot be written: {error.strerror}.") from error
    try:
        os.fchmod(file.fileno(), 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file
    except BlockingIOError:
        raise RegionError(f"Another export is writing {part}.") from None
    finally:
        with contextlib.suppress(OSError):  # what could not be written is tried once more, and was said already
            file.close()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tell(exported: Exported, region: Region, *, as_json: bool) -> None:
    if as_json:
        say(orjson.dumps(asdict(exported)).decode())
        return
    resumed = f", going on after position {exported.resumed_after:,}" if exported.resumed_after else ""
    say(f"Exported {exported.events:,} events of region {exported.region}{resumed}, into {exported.file}:")
    say(f"  {exported.bytes:,} bytes, packed {exported.ratio:.1f} to 1")
    if exported.mark is not None:
        say(
            "To know later that nothing up to here was changed, note down elsewhere, and give to `audit verify --expect`:"
        )
        say(f"  {exported.mark}")
    if exported.secrets:
        say(f"It holds {exported.secrets} secrets, passwords among them: whoever has the file has those.")
    else:
        say("Passwords and user data are not in it (--with-secrets).")
    say(f"Never in it: the bytes of images ({region.images}), and the guests' own disks.")
