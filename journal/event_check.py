"""Whether the body of an event is as its schema says: what an audit asks of every event in the log."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from domain.evolution import EventVersion
from domain.registry import KNOWN
from journal.event_schema import body_schema
from journal.verdict import Verdict, compiled


def schema_errors(topic: str, body: Any) -> list[str]:
    """What is wrong with a body, as it was read from JSON and not upcast: sentences with the path in it; empty when nothing is.

    A right body costs a few microseconds; only for a wrong one `jsonschema` is asked, which knows how to explain it.
    """
    known = KNOWN.get(topic)
    if known is None:
        return [f"{topic} is no event type that is known."]
    if _verdict(known)(body):
        return []
    return sorted(f"{error.json_path}: {error.message}" for error in _validator(known).iter_errors(body))


@cache
def _verdict(known: EventVersion) -> Verdict:
    return compiled(body_schema(known))


@cache
def _validator(known: EventVersion) -> Draft202012Validator:
    return Draft202012Validator(body_schema(known))
