"""Every event has an explicit type and version, and no version can be declared that could not be read for ever."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from eventsourcing.domain import ProgrammingError
from eventsourcing.utils import resolve_topic

from domain.aggregate import Aggregate, Created, Event
from domain.host.host import HostEvent
from domain.registry import AGGREGATES, EVENT_TYPES, KNOWN
from tests.unit.domain.ages import second_age, third_age


def subclasses(of: type[Event]) -> Iterator[type[Event]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_event_class_of_the_product_has_a_type_of_its_own() -> None:
    concrete = {
        each for each in subclasses(Event) if each.__module__.startswith("domain.") and not each.__subclasses__()
    }
    assert concrete == set(EVENT_TYPES.values())
    assert all(vars(each)["TOPIC"] == topic for topic, each in EVENT_TYPES.items())


@pytest.mark.parametrize("topic", EVENT_TYPES)
def test_an_event_is_about_the_aggregate_that_its_type_names(topic: str) -> None:
    assert get_type_hints(EVENT_TYPES[topic].apply)["aggregate"] is AGGREGATES[KNOWN[topic].kind]


def test_whoever_imports_the_registry_knows_every_event_there_is() -> None:
    program = """
import importlib, pkgutil
import domain
from domain.registry import KNOWN
before = set(KNOWN)
for module in pkgutil.walk_packages(domain.__path__, "domain."):
    importlib.import_module(module.name)
print("not in DECLARING:", sorted(set(KNOWN) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "not in DECLARING: []\n"


@pytest.mark.parametrize(
    "topic",
    [
        "chronova.host.painted",
        "chronova.host.painted.v0",
        "chronova.host.painted.v01",
        "chronova.host.Painted.v1",
        "chronova.host.was_painted.v1",
        "chronova.painted.v1",
        "host.painted.v1",
        "chronova.host.painted.v1 ",
    ],
)
@pytest.mark.usefixtures("passing")
def test_a_type_is_written_in_one_way(topic: str) -> None:
    with pytest.raises(TypeError, match="is no event type: write chronova"):
        type("Painted", (HostEvent,), {"TOPIC": topic})


@pytest.mark.usefixtures("passing")
def test_a_type_names_an_aggregate_that_there_is() -> None:
    with pytest.raises(
        TypeError, match="about no aggregate that is known: there are credential, flavor, host, hostaggregate"
    ):
        type("Painted", (HostEvent,), {"TOPIC": "chronova.house.painted.v1"})


class Shape:
    colour: str


def upcast(_parts: dict[str, Any]) -> None: ...


STATIC = staticmethod(upcast)


@pytest.mark.parametrize(
    ("version", "declared", "sentence"),
    [
        (2, {"V1": Shape}, "cannot be read as it was written before: upcast_v1_v2 is missing"),
        (2, {"upcast_v1_v2": STATIC}, "cannot be read as it was written before: V1 is missing"),
        (3, {"V1": Shape, "V2": Shape, "upcast_v2_v3": STATIC}, "upcast_v1_v2 is missing"),
        (3, {"V1": Shape, "V2": Shape, "upcast_v1_v3": STATIC}, "upcast_v1_v2, upcast_v2_v3 is missing"),
        (1, {"V1": Shape}, "declares V1, which leads from no older version to the next"),
        (1, {"upcast_v1_v2": STATIC}, "declares upcast_v1_v2, which leads from no older version to the next"),
        (2, {"V1": Shape, "upcast_v1_v2": upcast}, "an upcaster is a static method"),
        (2, {"V1": dict[str, str](), "upcast_v1_v2": STATIC}, "V<n> is a class with the parts as they were"),
    ],
)
@pytest.mark.usefixtures("passing")
def test_a_version_comes_with_all_that_it_takes_to_read_the_ones_before(
    version: int, declared: dict[str, Any], sentence: str
) -> None:
    before = dict(KNOWN)
    with pytest.raises(TypeError, match=sentence):
        type("Painted", (HostEvent,), {"TOPIC": f"chronova.host.painted.v{version}", **declared})
    assert before == KNOWN


@pytest.mark.usefixtures("passing")
def test_no_two_classes_have_one_type_not_even_an_old_one() -> None:
    second_age()
    known = KNOWN["chronova.shelf.built.v1"]
    with pytest.raises(TypeError, match=r"chronova.shelf.built.v1 names two event classes"):
        type("Other", (Created,), {"TOPIC": "chronova.shelf.built.v1"})
    assert KNOWN["chronova.shelf.built.v1"] is known


@pytest.mark.usefixtures("passing")
def test_every_version_that_was_ever_written_is_known_and_belongs_to_the_newest_class() -> None:
    newest = third_age()
    versions = [KNOWN[f"chronova.shelf.built.v{version}"] for version in (1, 2, 3)]
    assert [known.version for known in versions] == [1, 2, 3]
    assert [known.is_current for known in versions] == [False, False, True]
    assert {known.event for known in versions} == {newest}
    assert {(known.kind, known.fact) for known in versions} == {("shelf", "built")}
    assert all(resolve_topic(known.topic) is newest for known in versions)
    assert newest.class_version == 3


def test_what_was_written_in_its_first_version_costs_nothing_to_read() -> None:
    assert all(known.upcasts == () for known in KNOWN.values() if known.version == 1 and known.is_current)


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"KIND": "shelf"},
        {"TOPIC": "chronova.shelf"},
        {"KIND": "shelf", "TOPIC": "chronova.rack"},
        {"KIND": "book.shelf", "TOPIC": "chronova.book.shelf"},
    ],
)
@pytest.mark.usefixtures("passing")
def test_an_aggregate_is_named_alike_in_subjects_and_types(declared: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="must have a KIND of small letters"):
        type("Shelf", (Aggregate,), {"__module__": __name__, **declared})


@pytest.mark.usefixtures("passing")
def test_no_two_aggregates_have_one_name() -> None:
    with pytest.raises(ProgrammingError, match=r"'chronova.host' of .* already registered"):
        type("Other", (Aggregate,), {"__module__": __name__, "KIND": "host", "TOPIC": "chronova.host"})


def test_what_a_test_declares_is_forgotten() -> None:
    assert "chronova.shelf.built.v1" not in KNOWN
    assert "shelf" not in AGGREGATES
    assert not EVENT_TYPES.keys() - KNOWN.keys()
