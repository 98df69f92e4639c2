"""The state of an aggregate as a document of plain values, and what differs between two such."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any

from domain.aggregate import Aggregate
from services.cli.log.moment import written


class Absent(Enum):
    """What a field is that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: `nics`, or `ports.<id>` for an entry in a mapping."""

    field: str
    then: Any
    now: Any


def document_of(aggregate: Aggregate) -> dict[str, Any]:
    """All that is folded, by name; first what every aggregate has."""
    state = {
        "created": written(aggregate.created_on),
        "changed": written(aggregate.modified_on),
        "version": aggregate.version,
    }
    return {**state, **{name: plain(value) for name, value in vars(aggregate).items() if not name.startswith("_")}}


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, IntEnum):
        value = value.name.lower()
    elif is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    elif isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return written(value) if isinstance(value, datetime) else value


def changes(then: Mapping[str, Any], now: Mapping[str, Any], within: str = "") -> Iterator[Change]:
    """What differs between two documents, in the order of the fields; in mappings, only the entries that do."""
    for name in dict.fromkeys([*then, *now]):
        before, after = then.get(name, ABSENT), now.get(name, ABSENT)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from changes(before, after, f"{within}{name}.")
        else:
            yield Change(f"{within}{name}", before, after)
