"""Going on with an export that was cut short: what is whole in the file stays, the rest is written again."""

from dataclasses import dataclass
from typing import BinaryIO

from journal.export.contents import Header
from journal.export.errors import ExportDamaged, ExportError
from journal.export.frames import Framing, Kind
from journal.export.reader import ExportReader, events_of
from journal.export.verification import Verification
from journal.stored import Stored


@dataclass(frozen=True, slots=True)
class Resumable:
    """Where an export can be gone on with."""

    header: Header
    offset: int  # bytes of the file that are good
    last: Stored | None  # the last event in them; None when there is none
    digest: str  # up to there
    framing: Framing

    @property
    def position(self) -> int:
        """Of the last event."""
        return 0 if self.last is None else self.last.position


def last_good_frame(file: BinaryIO) -> Resumable | None:
    """How far a file can be gone on with; None when not even its header is whole. Raises NotAnExport."""
    try:
        reader = ExportReader(file)
    except ExportDamaged:
        return None
    found = Resumable(reader.header, file.tell(), None, "", reader.framing.copy())
    try:
        for frame in Verification(reader).frames():
            if frame.kind is not Kind.EVENTS:
                break
            found = Resumable(reader.header, file.tell(), events_of(frame)[-1], frame.digest, reader.framing.copy())
    except ExportError:
        pass  # from here on it is written again
    return found
