"""Verifying an export: all of it is read and its digests are computed anew, before anything is done with it."""

from collections.abc import Iterator

from journal.chain import LogDigest
from journal.envelope import hash_of_stored
from journal.export.errors import ExportDamaged, ExportError, ExportTorn
from journal.export.frames import Frame, Kind
from journal.export.reader import ExportReader, events_of, secrets_of


class Verification:
    """Reads a whole export and computes its digests anew: frame by frame, so that whoever waits can be shown how far it is."""

    def __init__(self, reader: ExportReader) -> None:
        self._reader = reader
        self._digest = LogDigest()
        self._secrets = 0

    def frames(self) -> Iterator[Frame]:
        """Each frame, once it is known to be good. Raises ExportError, with the position up to which all is well."""
        good = 0
        try:
            for frame in self._reader.frames():
                self._check(frame)
                good = frame.last
                yield frame
        except ExportTorn as error:
            raise ExportTorn(f"{error}, after event {good}") from None
        except ExportError as error:
            raise ExportDamaged(f"{error}, after event {good}") from None

    def _check(self, frame: Frame) -> None:
        if frame.kind is Kind.EVENTS:
            for stored in events_of(frame):
                self._digest.add(hash_of_stored(stored))
        elif frame.kind is Kind.SECRETS:
            self._secrets += len(secrets_of(frame))
        elif self._reader.ending is not None and self._reader.ending.secrets != self._secrets:
            raise ExportDamaged("secrets are missing")
        if self._digest.hexdigest() != frame.digest:
            raise ExportDamaged("its digest is not that of its events")
