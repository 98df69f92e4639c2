"""What the driver notes of a guest, in the guest's directory: all that it could not find again in libvirt."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import orjson

from domain.instance.desired import Nic
from domain.instance.state import StopReason

FILE = "guest.json"


@dataclass(frozen=True, slots=True)
class GuestRecord:
    """One guest."""

    nics: Sequence[Nic] = ()  # so that its addresses can be released, and its networks made again
    built: bool = False  # False: a build began, and never came to its end
    stop_reason: StopReason | None = None  # why it is off; None: it was started since

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The record in a guest's directory; None when there is none that can be read."""
        try:
            document = orjson.loads((directory / FILE).read_bytes())
            reason = document["stop_reason"]
            return cls(
                nics=tuple(Nic(**{**nic, "dns": tuple(nic["dns"])}) for nic in document["nics"]),
                built=bool(document["built"]),
                stop_reason=None if reason is None else StopReason(reason),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, directory: Path) -> None:
        """Keep it, through a loss of power too: a guest whose record is lost would be taken for half made. Raises OSError."""
        part = directory / f".{FILE}"
        with part.open("wb") as file:
            file.write(orjson.dumps({**asdict(self), "nics": [asdict(nic) for nic in self.nics]}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(directory / FILE)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def note_stop(directory: Path, reason: StopReason) -> None:
    """Note why a guest goes off. What was noted first since its start stands. Raises OSError."""
    record = GuestRecord.read(directory)
    if record is not None and record.stop_reason is None:
        replace(record, stop_reason=reason).write(directory)


def note_start(directory: Path) -> None:
    """Note that a guest is on again. Raises OSError."""
    record = GuestRecord.read(directory)
    if record is not None and record.stop_reason is not None:
        replace(record, stop_reason=None).write(directory)
