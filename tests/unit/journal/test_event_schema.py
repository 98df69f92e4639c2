"""The schema of an event is made from what its class declares."""

from datetime import datetime
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from domain.host.host import HostEvent
from domain.registry import KNOWN
from journal.event_schema import INSTANT, body_schema, schema_of
from tests.unit.domain.ages import third_age


@pytest.mark.parametrize("topic", KNOWN)
def test_every_event_has_a_schema(topic: str) -> None:
    Draft202012Validator.check_schema(body_schema(KNOWN[topic]))


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (str | None, {"type": ["string", "null"]}),
        (Any | None, {}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, Any], {"type": "object", "additionalProperties": {}}),
        (
            dict[str, dict[str, float]] | None,
            {
                "type": ["object", "null"],
                "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
            },
        ),
    ],
)
def test_annotations_become_schemas(annotation: Any, schema: dict[str, Any]) -> None:
    assert schema_of(annotation) == schema


@pytest.mark.parametrize("annotation", [datetime, set[str], tuple[str, ...], dict[int, str], int | str, list, bytes])
def test_what_json_has_not_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match="nor one of these or None"):
        schema_of(annotation)


@pytest.mark.usefixtures("passing")
def test_the_refusal_names_the_event_and_the_part() -> None:
    class HostPainted(HostEvent):
        TOPIC: ClassVar[str] = "chronova.host.painted.v1"

        dried_at: datetime

    with pytest.raises(TypeError, match=r"chronova.host.painted.v1, dried_at: <class 'datetime.datetime'> is no str"):
        body_schema(KNOWN[HostPainted.TOPIC])


@pytest.mark.usefixtures("passing")
def test_every_version_has_the_schema_of_its_own_parts() -> None:
    third_age()
    schemas = {version: body_schema(KNOWN[f"chronova.shelf.built.v{version}"]) for version in (1, 2, 3)}
    common = {"timestamp": INSTANT, "originator_topic": {"const": "chronova.shelf"}}
    assert {version: schema["properties"] for version, schema in schemas.items()} == {
        1: {**common, "maker": {"type": "string"}, "width": {"type": "integer"}},
        2: {**common, "maker": {"type": "string"}, "width_mm": {"type": "integer"}, "class_version": {"const": 2}},
        3: {
            **common,
            "makers": {"type": "array", "items": {"type": "string"}},
            "width_mm": {"type": "integer"},
            "colour": {"type": ["string", "null"]},
            "class_version": {"const": 3},
        },
    }
    assert all(schema["required"] == list(schema["properties"]) for schema in schemas.values())
