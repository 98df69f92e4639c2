"""Every event's body can be held to its schema, in microseconds, with the verdict that `jsonschema` has."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.registry import KNOWN
from journal.envelope import MAPPER
from journal.event_check import schema_errors
from journal.event_schema import body_schema
from journal.verdict import compiled
from tests.unit.domain.specification import requested
from tests.unit.journal.bodies import ODD_VALUES, nearly_right, right

TOPIC = "chronova.instance.requested.v1"

topics = st.sampled_from(sorted(KNOWN))


@cache
def validator(topic: str) -> Draft202012Validator:
    return Draft202012Validator(body_schema(KNOWN[topic]))


def right_body(topic: str) -> st.SearchStrategy[tuple[str, Any]]:
    return right(body_schema(KNOWN[topic])).map(lambda body: (topic, body))


def nearly_right_body(topic: str) -> st.SearchStrategy[tuple[str, Any]]:
    return nearly_right(body_schema(KNOWN[topic])).map(lambda body: (topic, body))


@given(topics.flatmap(right_body))
@settings(max_examples=200, deadline=None)
def test_a_right_body_has_no_errors(drawn: tuple[str, Any]) -> None:
    topic, body = drawn
    assert validator(topic).is_valid(body)
    assert schema_errors(topic, body) == []


@given(topics.flatmap(nearly_right_body))
@settings(max_examples=500, deadline=None)
def test_the_verdict_of_a_body_is_that_of_jsonschema(drawn: tuple[str, Any]) -> None:
    topic, body = drawn
    assert bool(schema_errors(topic, body)) != validator(topic).is_valid(body)


def parts_within(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema, and those of all its parts."""
    yield schema
    for each in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(each, dict):
            yield from parts_within(each)


PARTS = {str(part): part for known in KNOWN.values() for part in parts_within(body_schema(known))}
CONSTANTS = {str(part): part for part in ({"const": 1}, {"const": 2}, {"const": False}, {"const": None})}


@pytest.mark.parametrize("schema", [*PARTS.values(), *CONSTANTS.values()], ids=str)
def test_the_verdict_of_every_part_is_that_of_jsonschema(schema: dict[str, Any]) -> None:
    verdict, judge = compiled(schema), Draft202012Validator(schema)
    for value in ODD_VALUES:
        for wrapped in (value, [value], {"x": value}, [[value]], {"x": {"y": value}}, {"x": [value]}):
            assert verdict(wrapped) == judge.is_valid(wrapped), wrapped


def test_an_error_says_where_and_what() -> None:
    (event,) = requested().pending_events
    body = orjson.loads(MAPPER.to_stored_event(event).state)
    assert schema_errors(TOPIC, body) == []
    del body["name"]
    body["metadata"], body["surplus"] = {"role": 1}, 2
    assert schema_errors(TOPIC, body) == [
        "$.metadata.role: 1 is not of type 'string'",
        "$: 'name' is a required property",
        "$: Additional properties are not allowed ('surplus' was unexpected)",
    ]


def test_a_type_that_nobody_declared_is_an_error() -> None:
    assert schema_errors("chronova.host.painted.v1", {}) == ["chronova.host.painted.v1 is no event type that is known."]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1},
        {"type": "array", "pattern": "x"},
        {"type": ["string", "integer"]},
        {"type": "object", "properties": {"a": {}}, "required": [], "additionalProperties": False},
        {"enum": [1]},
    ],
)
def test_no_keyword_is_passed_over(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="No verdict is known"):
        compiled(schema)
