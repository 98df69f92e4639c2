"""Reading an export: everything in it is checked on the way, so that whoever has read to the end knows that it is whole."""

from collections.abc import Iterator
from typing import BinaryIO

from journal.export.contents import Ending, Header
from journal.export.errors import ExportDamaged
from journal.export.frames import Frame, Framing, Kind, read_first_line
from journal.export.records import events_in, secrets_in
from journal.stored import Stored

ORDER = tuple(Kind)


class ExportReader:
    """Reads a file from its beginning. All errors are ExportError, and say what is wrong in words that follow "The export …:"."""

    def __init__(self, file: BinaryIO) -> None:
        self.framing = Framing()
        self.position = 0  # of the last event that was read
        self._file = file
        read_first_line(file)
        frame = self.framing.read(file)
        if frame.kind is not Kind.HEADER:
            raise ExportDamaged("it does not begin with a header")
        self.header = Header.read(frame.content)
        self.ending: Ending | None = None

    def frames(self) -> Iterator[Frame]:
        """The frames after the header, up to the last. Raises ExportError for one that is damaged, missing or misplaced."""
        before = Kind.HEADER
        digest = ""
        while self.ending is None:
            frame = self.framing.read(self._file)
            if ORDER.index(frame.kind) < ORDER.index(before) or frame.kind is Kind.HEADER:
                raise ExportDamaged(f"{frame.kind} come after {before}")
            has_events = frame.kind is Kind.EVENTS
            if frame.first != self.position + 1 or (frame.last >= frame.first) != has_events:
                raise ExportDamaged(f"event {self.position + 1} is missing")
            if not has_events and (frame.last, frame.digest) != (self.position, digest):
                raise ExportDamaged("its digests do not agree")
            if frame.kind is Kind.END:
                self._end(frame)
            before, digest, self.position = frame.kind, frame.digest, frame.last
            yield frame

    def _end(self, frame: Frame) -> None:
        ending = Ending.read(frame.content)
        if (ending.position, ending.digest) != (frame.last, frame.digest):
            raise ExportDamaged("its digests do not agree")
        if self._file.read(1):
            raise ExportDamaged("something comes after its end")
        self.ending = ending


def events_of(frame: Frame) -> list[Stored]:
    """The events of a frame. Raises ExportDamaged."""
    events = list(events_in(frame.content, first=frame.first))
    if len(events) != frame.last - frame.first + 1:
        raise ExportDamaged(f"events are missing between {frame.first} and {frame.last}")
    return events


def secrets_of(frame: Frame) -> list[tuple[str, bytes]]:
    """The secrets of a frame, by key. Raises ExportDamaged."""
    return list(secrets_in(frame.content))
