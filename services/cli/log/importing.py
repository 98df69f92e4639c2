"""`chronova log import`: builds a region in an empty directory from an export alone.

All of the file is verified before anything is made. The directory is marked until the region is whole: nobody can start what is
half there, and the same command goes on with it, however it ended. Nothing needs to be synced on the way, because it can be done
again; at the end everything is.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from domain.errors import DomainError
from journal.accounts import write_private
from journal.bus import Bus
from journal.errors import JournalError
from journal.export.contents import Ending, Header
from journal.export.errors import ExportDamaged, ExportError
from journal.export.frames import Kind
from journal.export.reader import ExportReader, events_of, secrets_of
from journal.export.records import own_block
from journal.export.verification import Verification
from journal.follower import read
from journal.pipeline import Pipeline
from journal.positions import Positions
from journal.stored import Stored
from journal.streams import call, last_position, missing_streams, prepare
from projections.audit import Mark
from services.cli.log.exporting import SETTINGS
from services.cli.log.missing_images import missing_images
from services.cli.log.opened import held, own_log, served
from services.cli.log.progress import Progress
from services.cli.log.secret_parts import keep
from services.cli.region import IMPORTING, Region, RegionError, make_directory
from services.cli.terminal import say

SYNC_INTERVAL = "2m"  # of the log's server: nothing that it loses cannot be imported again


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done."""

    data: str
    region: str
    events: int
    digest: str
    mark: str | None  # for `chronova audit verify --expect`; None for an empty log
    secrets: int
    resumed_after: int  # position up to which the events were there already
    images: list[str]  # ids of those whose bytes are not here


async def import_log(data: Path, file: Path, *, as_json: bool) -> None:
    """Build the region. Raises RegionError, JournalError, StartFailed, OSError."""
    try:
        with file.open("rb") as opened:
            imported = await Import(data, opened, file).run()
    except ExportError as error:
        raise RegionError(f"{file} cannot be imported: {error}.") from error
    _tell(imported, as_json=as_json)


class Import:
    """One run of the command."""

    def __init__(self, data: Path, file: BinaryIO, name: Path) -> None:
        self._data = data
        self._file = file
        self._name = name
        self._marker = data / IMPORTING

    async def run(self) -> Imported:
        """Do it."""
        header = ExportReader(self._file).header
        region = self._settle(header)
        ending = self._verify()
        make_directory(self._data)
        with held(region):
            if not self._marker.exists():
                await self._require_empty(region)
                self._mark(region)
            region.save()
            imported = await self._fill(region, ending)
            _sync_tree(own_log(region).directory / "jetstream")
            self._marker.unlink()
        return imported

    def _settle(self, header: Header) -> Region:
        """The region that is to be. Raises RegionError when it cannot be in this directory."""
        try:
            settings = {name: header.region[name] for name in SETTINGS}
            wanted = Region.from_settings(self._data, settings)
            wanted.require_sound()
        except (KeyError, TypeError, ValueError, DomainError) as error:
            raise ExportDamaged(f"its settings are none: {error!r}") from None
        if self._marker.exists():
            return self._begun_before(wanted)
        there = Region.load(self._data)
        if there is None:
            return wanted
        return there.with_settings(id=wanted.id, hypervisor=wanted.hypervisor, hosts=wanted.hosts)

    def _begun_before(self, wanted: Region) -> Region:
        try:
            settings = orjson.loads(self._marker.read_bytes())["region"]
            begun = Region.from_settings(self._data, settings)
        except (KeyError, TypeError, ValueError) as error:
            raise RegionError(
                f"{self._marker} is damaged: remove {self._data}, and import again. ({error!r})"
            ) from None
        if begun.id != wanted.id:
            raise RegionError(f"Another region is being imported into {self._data}: name another with --data.")
        return begun

    def _verify(self) -> Ending:
        """Read all of the file. Raises ExportError, with the position up to which all is well."""
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(0)
        reader = ExportReader(self._file)
        with Progress("verified", size, unit="bytes") as progress:
            for _ in Verification(reader).frames():
                progress.at(self._file.tell())
        if reader.ending is None:
            raise ExportDamaged("it has no end")
        return reader.ending

    async def _require_empty(self, region: Region) -> None:
        """Raises RegionError when the region that is there has a log; what is left of an empty one is removed."""
        if not (self._data / "region.json").exists():
            return
        store = own_log(region).directory / "jetstream"
        if store.exists():
            region.run.mkdir(exist_ok=True)
            region.logs.mkdir(exist_ok=True)
            async with served(region, name="import") as bus:
                events = 0 if "EVENTS" in await missing_streams(bus) else await last_position(bus)
            if events:
                raise RegionError(
                    f"There is a region in {self._data} already, and its log has {events:,} events: name another with --data."
                )
            shutil.rmtree(store)
        for rest in ("", "-wal", "-shm"):
            region.read_model.with_name(region.read_model.name + rest).unlink(missing_ok=True)

    def _mark(self, region: Region) -> None:
        settings = {name: value for name, value in asdict(region).items() if name != "data"}
        write_private(self._marker, orjson.dumps({"file": str(self._name), "region": settings}))

    async def _fill(self, region: Region, ending: Ending) -> Imported:
        async with served(region, name="import", sync_interval=SYNC_INTERVAL) as bus:
            await prepare(bus)
            there = await last_position(bus)
            if there > ending.position:
                raise RegionError(
                    f"There are events in {self._data} that are not in {self._name}: name another with --data."
                )
            await self._require_same(bus, there, "compared")
            await self._append(bus, there, ending.position)
            for key, value in self._secrets():
                await keep(region, bus, key, value)
            for follower, position in ending.followers.items():
                if not await Positions(bus).put(follower, position):
                    raise JournalError(f"The position of {follower} could not be saved.")
            await self._require_same(bus, ending.position, "read back")
            await self._require_whole(bus, ending.position)
            images = await missing_images(region, bus)
        return Imported(
            data=str(self._data),
            region=region.id,
            events=ending.position,
            digest=ending.digest,
            mark=str(Mark(ending.position, ending.digest)) if ending.position else None,
            secrets=ending.secrets,
            resumed_after=there,
            images=images,
        )

    async def _append(self, bus: Bus, after: int, total: int) -> None:
        with Progress("imported", total) as progress:
            async with Pipeline.open(bus, after=after) as pipeline:
                for stored in self._events():
                    if stored.position > after:
                        await pipeline.append(stored.subject, stored.block, stored.body)
                        if pipeline.acknowledged > after:
                            progress.at(pipeline.acknowledged)

    async def _require_same(self, bus: Bus, until: int, what: str) -> None:
        """Raises RegionError unless the log is, byte for byte, what the file says, up to a position."""
        events = self._events()
        with Progress(what, until) as progress:
            async for batch in read(bus, until=until):
                for stored in batch:
                    wanted = next(events)
                    if (stored.subject, own_block(stored.block), stored.body) != (
                        wanted.subject,
                        wanted.block,
                        wanted.body,
                    ):
                        raise RegionError(
                            f"Event {stored.position} in {self._data} is not the one in {self._name}: "
                            "name another with --data."
                        )
                progress.at(batch[-1].position)

    async def _require_whole(self, bus: Bus, position: int) -> None:
        state = (await call(bus, "STREAM.INFO.EVENTS"))["state"]
        if (state["messages"], state["last_seq"]) != (position, position):
            raise JournalError(f"The log has {state['messages']} events up to {state['last_seq']}, not {position}.")

    def _events(self) -> Iterator[Stored]:
        """All events of the file, which is verified."""
        self._file.seek(0)
        for frame in ExportReader(self._file).frames():
            if frame.kind is not Kind.EVENTS:
                return
            yield from events_of(frame)

    def _secrets(self) -> Iterator[tuple[str, bytes]]:
        self._file.seek(0)
        for frame in ExportReader(self._file).frames():
            if frame.kind is Kind.SECRETS:
                yield from secrets_of(frame)


def _sync_tree(directory: Path) -> None:
    """Bring everything below a directory to disk."""
    for path, _, files in os.walk(directory):
        for name in (path, *(os.path.join(path, file) for file in files)):  # noqa: PTH118 -- walk gives strings
            handle = os.open(name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _tell(imported: Imported, *, as_json: bool) -> None:
    if as_json:
        say(orjson.dumps(asdict(imported)).decode())
        return
    resumed = f", {imported.resumed_after:,} of which were there already" if imported.resumed_after else ""
    say(f"Imported {imported.events:,} events of region {imported.region}{resumed}, into {imported.data}.")
    if imported.mark is not None:
        say(f"  mark {imported.mark}")
    if not imported.secrets:
        say("No passwords or user data were in it: `chronova up` makes new passwords for the first users.")
    if imported.images:
        say(f"Bytes of images are never in an export. Copy these files into {imported.data}/images:")
        for image in imported.images:
            say(f"  {image}")
    say("Guests' disks are never in an export: hosts that do not have them will report their guests as lost.")
    say(f"Go on with: chronova up --data {imported.data}")
