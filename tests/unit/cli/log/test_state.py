"""The state of an aggregate as plain values, and what differs between two."""

import orjson

from domain.host.claims import claim
from domain.host.host import register
from domain.instance.power import stop
from domain.resources import Resources
from services.cli.log.state import ABSENT, Change, changes, document_of
from tests.unit.domain.specification import AT, placed, requested, seen
from tests.unit.domain.test_histories import inventory


def test_an_instance_is_shown_in_the_words_of_the_api() -> None:
    instance = requested()
    placed()(instance)
    seen()(instance)
    document = document_of(instance)
    assert orjson.loads(orjson.dumps(document)) == document
    assert (document["vm_state"], document["task"], document["power"], document["want"]) == (
        "active",
        None,
        "running",
        "running",
    )
    assert document["launched_at"] == "2026-01-02T03:04:05.000000Z"
    assert not [name for name in document if name.startswith("_")]


def test_what_has_changed_is_told_field_by_field() -> None:
    instance = requested()
    placed()(instance)
    seen()(instance)
    then = document_of(instance)
    stop(instance, at=AT)
    told = list(changes(then, document_of(instance)))
    assert told == [
        Change("version", 3, 4),
        Change("task", None, "powering-off"),
        Change("want", "running", "shutdown"),
        Change("generation", 1, 2),
    ]


def test_of_a_mapping_only_the_entries_that_differ_are_told() -> None:
    host = register("h", inventory(4, 8192, 100), at=AT)
    claim(host, {"a": Resources(1, 1, 1)}, at=AT)
    then = document_of(host)
    claim(host, {"b": Resources(2, 2, 2)}, at=AT)
    assert Change("claims.b", ABSENT, {"vcpus": 2, "memory_mib": 2, "disk_gib": 2}) in list(
        changes(then, document_of(host))
    )
    assert not [change for change in changes(then, document_of(host)) if change.field.startswith("claims.a")]


def test_a_field_that_is_gone_is_told() -> None:
    assert list(changes({"a": 1, "b": None}, {"b": 2})) == [Change("a", 1, ABSENT), Change("b", None, 2)]
    assert list(changes({"a": {"x": 1}}, {"a": {"x": 1}})) == []
