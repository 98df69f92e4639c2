"""Writing an export: frames are filled and go to the file one by one."""

from typing import BinaryIO

import orjson

from journal.chain import LogDigest
from journal.envelope import hash_of_stored
from journal.export.contents import Ending, Header
from journal.export.frames import FIRST_LINE, Frame, Framing, Kind
from journal.export.records import event_record, secret_record
from journal.stored import Stored

FULL = 1 << 20  # bytes of records after which a frame is written


class ExportWriter:
    """Appends to a file. What was added is in it once its frame is closed, and on disk when the caller has synced it."""

    def __init__(
        self, file: BinaryIO, *, framing: Framing | None = None, position: int = 0, digest: str = "", full: int = FULL
    ) -> None:
        self._file = file
        self._framing = framing or Framing()
        self._digest = LogDigest(digest)
        self._full = full
        self._records: list[bytes] = []
        self._size = 0
        self._kind = Kind.EVENTS
        self._first = position + 1
        self.position = position
        self.secrets = 0
        self.unpacked = 0  # bytes of records, before they were packed

    @property
    def digest(self) -> str:
        """Of the log up to the last event that was added."""
        return self._digest.hexdigest()

    def begin(self, header: Header) -> None:
        """Write what comes before all events."""
        self._file.write(FIRST_LINE)
        self._write(Kind.HEADER, orjson.dumps(header.document()))

    def add(self, stored: Stored) -> bool:
        """Add the next event; whether a frame was filled by it. Raises ValueError for one that is not the next."""
        if stored.position != self.position + 1:
            raise ValueError(f"event {self.position + 1} is next, not {stored.position}")
        self._digest.add(hash_of_stored(stored))
        self.position = stored.position
        return self._collect(Kind.EVENTS, event_record(stored))

    def add_secret(self, key: str, value: bytes) -> None:
        """Add a secret. After all events."""
        self.secrets += 1
        self._collect(Kind.SECRETS, secret_record(key, value))

    def end(self, followers: dict[str, int]) -> Ending:
        """Write what comes after everything: only a file that has it is whole. `followers`: service → position it has come to."""
        self.close_frame()
        ending = Ending(self.position, self.digest, self.secrets, followers)
        self._write(Kind.END, orjson.dumps(ending.document()))
        return ending

    def close_frame(self) -> None:
        """Write what was collected, if there is anything."""
        if self._records:
            self._write(self._kind, b"".join(self._records))
            self._records, self._size = [], 0

    def _collect(self, kind: Kind, record: bytes) -> bool:
        if kind is not self._kind:
            self.close_frame()
            self._kind = kind
        self._records.append(record)
        self._size += len(record)
        self.unpacked += len(record)
        is_full = self._size >= self._full
        if is_full:
            self.close_frame()
        return is_full

    def _write(self, kind: Kind, content: bytes) -> None:
        self._file.write(self._framing.encode(Frame(kind, self._first, self.position, self.digest, content)))
        self._file.flush()
        self._first = self.position + 1
