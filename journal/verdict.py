"""Verdicts: whether a value is as a schema says, at the speed of a log's replay.

A schema is compiled once, into nested functions. Only the keywords that `journal/event_schema.py` uses are known, and for
them the verdict is that of `jsonschema`: a property test holds it to that.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Verdict: TypeAlias = Callable[[Any], bool]

REMARKS = frozenset({"$schema", "$id", "title", "description", "format"})


def _anything(_value: Any) -> bool:
    return True


def _is_integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


TYPES: Mapping[str, Verdict] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def compiled(schema: Mapping[str, Any]) -> Verdict:
    """The verdict of a schema. Raises ValueError for a keyword that it does not know: none may be passed over."""
    keywords = {name: value for name, value in schema.items() if name not in REMARKS}
    match keywords.get("type"):
        case [name, "null"]:
            other = compiled({**keywords, "type": name})
            return lambda value: value is None or other(value)
        case None | str() as name if frozenset(keywords) in MAKERS:
            wanted, make = MAKERS[frozenset(keywords)]
            if wanted in {None, name}:
                return make(keywords)
    raise ValueError(f"No verdict is known of the schema {dict(schema)}.")


def _const(schema: Mapping[str, Any]) -> Verdict:
    wanted = schema["const"]
    return lambda value: bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _pattern(schema: Mapping[str, Any]) -> Verdict:
    search = re.compile(schema["pattern"]).search
    return lambda value: isinstance(value, str) and search(value) is not None


def _array(schema: Mapping[str, Any]) -> Verdict:
    item = compiled(schema["items"])
    return lambda value: isinstance(value, list) and (item is _anything or all(map(item, value)))


def _map(schema: Mapping[str, Any]) -> Verdict:
    item = compiled(schema["additionalProperties"])
    return lambda value: isinstance(value, dict) and (item is _anything or all(map(item, value.values())))


def _record(schema: Mapping[str, Any]) -> Verdict:
    parts = {name: compiled(part) for name, part in schema["properties"].items()}
    if schema["additionalProperties"] is not False or set(schema["required"]) != parts.keys():
        raise ValueError("No verdict is known of a record with parts that may be missing, or with others.")
    names = parts.keys()
    telling = [(name, verdict) for name, verdict in parts.items() if verdict is not _anything]

    def record(value: Any) -> bool:
        if not isinstance(value, dict) or value.keys() != names:
            return False
        for name, verdict in telling:  # noqa: SIM110 -- a generator would take as long as the verdicts
            if not verdict(value[name]):
                return False
        return True

    return record


MAKERS: Mapping[frozenset[str], tuple[str | None, Callable[[Mapping[str, Any]], Verdict]]] = {
    frozenset(): (None, lambda _schema: _anything),
    frozenset({"const"}): (None, _const),
    frozenset({"type"}): (None, lambda schema: TYPES[schema["type"]]),
    frozenset({"type", "pattern"}): ("string", _pattern),
    frozenset({"type", "items"}): ("array", _array),
    frozenset({"type", "additionalProperties"}): ("object", _map),
    frozenset({"type", "additionalProperties", "properties", "required"}): ("object", _record),
}
"""The keywords of a schema → the type that they are for (None: any), and what makes its verdict."""
