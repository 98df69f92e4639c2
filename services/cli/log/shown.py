"""How events are shown: a line for people, a CloudEvents object for programs. As they are written: nothing is folded or upcast."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from journal.stored import Stored
from services.cli.log.moment import written

LONGEST_VALUE = 60  # characters of one part in a line
WORDS = {"originator_topic", "timestamp"}
"""What every body has, and every line says already."""
EMPTY: tuple[Any, ...] = (None, "", [], {})
"""What is left out of a line."""


def time_of(stored: Stored) -> datetime | None:
    """When it was decided, as its author says; None where it does not say."""
    try:
        return datetime.fromisoformat(stored.header(b"ce-time"))
    except (KeyError, ValueError):
        return None


def type_of(stored: Stored) -> str:
    """Its CloudEvents type; "" for none."""
    return stored.headers.get("ce-type", "")


def word_of(event_type: str) -> str:
    """A type without what all types have: `chronova.instance.stopped.v1` is `instance.stopped`."""
    return event_type.removeprefix("chronova.").rpartition(".v")[0] or event_type


def cloud_event(stored: Stored) -> bytes:
    """The event in CloudEvents' JSON format (structured mode), and its position, in one line without a line end."""
    attributes: dict[str, Any] = {
        name[3:]: value for name, value in stored.headers.items() if name.startswith("ce-") and len(name) > len("ce-")
    }
    attributes["datacontenttype"] = stored.headers.get("content-type", "application/json")
    attributes["position"] = stored.position
    attributes.setdefault("subject", stored.subject)
    try:
        attributes["data"] = orjson.loads(stored.body)
    except ValueError:
        attributes["data"] = stored.body.decode(errors="replace")
        attributes["datacontenttype"] = "text/plain"
    return orjson.dumps(attributes)


def line(stored: Stored, names: Mapping[str, str]) -> str:
    """Time, position, who, what, of which aggregate, and its parts. `names`: of actors that people know by another name."""
    time = time_of(stored)
    actor = stored.headers.get("ce-actor", "?")
    columns = (
        "?" if time is None else written(time),
        f"{stored.position:>8}",
        f"{harmless(names.get(actor, actor))[:24]:<24}",
        f"{harmless(word_of(type_of(stored))):<28}",
        harmless(stored.subject.removeprefix("evt.").replace(".", "/", 1)),
        summary(stored.body),
    )
    return "  ".join(columns).rstrip()


def summary(body: bytes) -> str:
    """The parts of an event that are not empty, each cut to what can be read at a glance."""
    try:
        parts = orjson.loads(body)
    except ValueError:
        parts = None
    if not isinstance(parts, dict):
        return "(its body cannot be read)"
    said = {name: value for name, value in parts.items() if name not in WORDS and value not in EMPTY}
    return " ".join(f"{harmless(name)}={_value(value)}" for name, value in said.items())


def _value(value: Any) -> str:
    text = harmless(value if isinstance(value, str) else orjson.dumps(value).decode())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def harmless(text: str) -> str:
    """A text from a stranger, without anything that a terminal obeys: control characters are shown by their codes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
