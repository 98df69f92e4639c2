"""Subjects: one exact subject an aggregate, from which its id can be told again, with its type."""

import re
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from eventsourcing.persistence import DataError

UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
ESCAPED = re.compile(r"((?:=[0-9A-F]{2})+)")
LONGEST = 1024  # bytes of a token; the server reads 4096 of a whole line


class Naming(Protocol):
    """How the aggregates of a stream are named."""

    @property
    def patterns(self) -> Sequence[str]:
        """What the subjects of all events match."""
        ...

    def subject_of(self, originator_id: UUID | str) -> str:
        """The exact subject of an aggregate. Raises DataError, ProgrammingError."""
        ...

    def originator_of(self, subject: str) -> UUID | str | None:
        """The aggregate that a message is an event of; None for a message that is none."""
        ...


class ApplicationNaming:
    """The subjects of a stream that an application writes: `es.<stream>.uuid.<id>` and the like."""

    def __init__(self, stream: str) -> None:
        self.root = f"es.{stream}"
        self._uuid = f"{self.root}.uuid."
        self._str = f"{self.root}.str."
        self.patterns = (f"{self._uuid}>", f"{self._str}>")

    def subject_of(self, originator_id: UUID | str) -> str:
        """The exact subject of an aggregate. Raises DataError for an id that is too long."""
        if isinstance(originator_id, UUID):
            return self._uuid + originator_id.hex
        return self._str + token(originator_id)

    def originator_of(self, subject: str) -> UUID | str | None:
        """The aggregate that a message is an event of; None for a message that is none."""
        if subject.startswith(self._uuid):
            return UUID(subject[len(self._uuid) :])
        if subject.startswith(self._str):
            return text_of(subject[len(self._str) :])
        return None

    def tracking_of(self, application: str) -> str:
        """Where it is kept how far another application has been processed."""
        return f"{self.root}.tracking.{token(application)}"

    def transaction(self, transaction_id: str) -> str:
        """Where it is kept what has become of a transaction."""
        return f"{self.root}.transaction.{transaction_id}"


def token(text: str) -> str:
    """Any text as one token of a subject, from which it can be told again. Raises DataError when it is too long."""
    made = (
        UNSAFE.sub(lambda found: "".join(f"={byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass")), text)
        or "="
    )
    if len(made) > LONGEST:
        raise DataError(f"An id or a name of {len(text)} characters is too long to be a subject.")
    return made


def text_of(made: str) -> str:
    """The text that a token was made of."""
    return (
        ""
        if made == "="
        else ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "surrogatepass"), made)
    )
