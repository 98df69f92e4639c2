"""What an export says of itself: the header, with all that a region is rebuilt from besides its events, and the ending."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

from journal.export.errors import ExportDamaged


@dataclass(frozen=True, slots=True)
class Header:
    """The first frame."""

    region: dict[str, Any]  # its settings; its id among them, from which the ids of its first aggregates follow
    made_by: str  # version of Chronova
    made_at: str  # RFC 3339
    with_secrets: bool

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises ExportDamaged."""
        return cls(**_document(content, cls))


@dataclass(frozen=True, slots=True)
class Ending:
    """The last frame."""

    position: int  # of the last event, which is how many there are
    digest: str  # `LogDigest` of them all
    secrets: int  # how many
    followers: dict[str, int]  # service → position up to which it has done its work

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises ExportDamaged."""
        return cls(**_document(content, cls))


def _document(content: bytes, kind: type[Header | Ending]) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.keys() != kind.__dataclass_fields__.keys():
        raise ExportDamaged("what it says of itself cannot be read")
    return document
