"""Every version of every event that was ever written can be read, and says today what it said then."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from eventsourcing.persistence import StoredEvent

from domain.aggregate import Aggregate
from domain.host.host import Host, HostEvent, register
from domain.registry import AGGREGATES, KNOWN
from journal.authority import MAY_APPEND, may_append
from journal.envelope import MAPPER, Recorded, hash_of_stored
from journal.event_check import schema_errors
from tests.samples.freeze import freeze
from tests.samples.histories import HISTORIES, Clock, inventory
from tests.samples.kept import FREEZE, Kept, fold, read, state_of

KEPT = Kept()


def without_a_sample(kept: Kept) -> list[str]:
    return [f"{topic} has no sample: run {FREEZE}" for topic in sorted(KNOWN.keys() - set(kept.topics()))]


def test_every_version_of_every_event_has_a_sample() -> None:
    assert without_a_sample(KEPT) == []


@pytest.mark.parametrize("topic", KEPT.topics())
def test_what_was_ever_written_is_still_known(topic: str) -> None:
    assert topic in KNOWN, f"{topic} was written once and must be read for ever: no class declares it"


@pytest.mark.parametrize("topic", KEPT.topics())
def test_a_sample_folds_to_what_it_folded_to(topic: str) -> None:
    *_, sample = KEPT.up_to(topic)
    assert type(Recorded.of(sample).event) is KNOWN[topic].event
    assert state_of(fold(KEPT.up_to(topic))) == read(KEPT.folded(topic)), (
        f"if an aggregate has gained an attribute, run {FREEZE}; if events mean something else now, think again"
    )


@pytest.mark.parametrize("topic", KEPT.topics())
def test_a_sample_is_as_its_schema_says(topic: str) -> None:
    assert schema_errors(topic, json.loads(KEPT.stored_event(topic).body)) == []


@pytest.mark.parametrize("topic", KEPT.topics())
def test_a_sample_is_the_same_to_the_librarys_stock_mapper(topic: str) -> None:
    sample = KEPT.stored_event(topic)
    ours: Any = Recorded.of(sample).event
    stored = StoredEvent(ours.originator_id, ours.originator_version, sample.headers["ce-type"], sample.body)
    assert vars(MAPPER.to_domain_event(stored)) == vars(ours)


@pytest.mark.parametrize("topic", [topic for topic in KEPT.topics() if MAY_APPEND.get(topic)])
def test_a_sample_is_from_who_may_append_it(topic: str) -> None:
    assert may_append(topic, KEPT.stored_event(topic).headers["ce-source"])


@pytest.mark.parametrize("name", KEPT.histories())
def test_a_history_folds_to_what_it_folded_to(name: str) -> None:
    history = KEPT.stored_history(name)
    folded = fold(history)
    assert state_of(folded) == read(KEPT.folded(name))
    assert folded.version == len(history)
    assert type(folded) is AGGREGATES[Recorded.of(history[0]).kind]


@pytest.mark.parametrize("name", KEPT.histories())
def test_each_event_of_a_history_names_the_hash_of_the_one_before(name: str) -> None:
    previous = ""
    for message in KEPT.stored_history(name):
        assert message.headers.get("ce-previoushash", "") == previous
        previous = hash_of_stored(message)


@pytest.mark.parametrize("name", KEPT.histories())
def test_time_goes_on_in_a_history(name: str) -> None:
    times = [datetime.fromisoformat(message.headers["ce-time"]) for message in KEPT.stored_history(name)]
    assert times == sorted(times)


def test_every_aggregate_has_a_history() -> None:
    assert {Recorded.of(KEPT.stored_history(name)[0]).kind for name in KEPT.histories()} == set(AGGREGATES)


def test_what_was_kept_has_not_been_changed() -> None:
    assert KEPT.actual_sums() == KEPT.noted_sums()


# ── keeping them ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def copy(tmp_path: Path) -> Kept:
    shutil.copytree(KEPT.directory, tmp_path / "samples")
    return Kept(tmp_path / "samples")


def contents(kept: Kept) -> dict[str, str]:
    return {str(path): path.read_text() for path in kept.directory.rglob("*.json")}


def painted_host() -> Host:
    """A host with an event that is new."""

    class HostPainted(HostEvent):
        TOPIC: ClassVar[str] = "chronova.host.painted.v1"

        colour: str

    at = Clock()
    host = register("host-1", inventory(), at=at())
    host.record(HostPainted, colour="red", at=at())
    return host


def test_nothing_is_added_when_nothing_is_missing(copy: Kept) -> None:
    before = contents(copy)
    assert list(freeze(copy, HISTORIES)) == []
    assert contents(copy) == before


@pytest.mark.usefixtures("passing")
def test_a_new_event_needs_a_sample_and_gets_one(copy: Kept) -> None:
    host = painted_host()
    before = contents(copy)
    assert without_a_sample(copy) == [f"chronova.host.painted.v1 has no sample: run {FREEZE}"]
    assert list(freeze(copy, HISTORIES)) == [
        "no history has a chronova.host.painted.v1: add one to tests/samples/histories.py that has, under a new name"
    ]
    assert list(freeze(copy, {**HISTORIES, "host-that-is-painted": lambda: host})) == [
        "added histories/host-that-is-painted.json",
        "added events/chronova.host.painted.v1.json",
        "added folded/host-that-is-painted.json",
        "added folded/chronova.host.painted.v1.json",
    ]
    assert without_a_sample(copy) == []
    assert before.items() <= contents(copy).items()
    assert copy.actual_sums() == copy.noted_sums()


def test_a_sample_that_was_changed_is_never_taken_for_one_that_was_written(copy: Kept) -> None:
    path = copy.event("chronova.host.registered.v1")
    path.write_text(path.read_text().replace("KVM", "QEMU"))
    assert copy.actual_sums() != copy.noted_sums()
    said = ["events/chronova.host.registered.v1.json is not as it was: take it from the history of the repository"]
    assert list(freeze(copy, HISTORIES)) == said
    path.unlink()
    assert list(freeze(copy, HISTORIES)) == said
    assert not path.exists()


def test_a_history_stays_as_it_was_written_however_it_is_made_today(copy: Kept) -> None:
    before = contents(copy)
    assert list(freeze(copy, dict.fromkeys(HISTORIES, HISTORIES["project"]))) == []
    assert contents(copy) == before


def test_an_attribute_that_aggregates_gained_is_added(copy: Kept) -> None:
    path = copy.folded("project")
    state = read(path)
    description = state.pop("description")
    path.write_text(json.dumps(state))
    assert list(freeze(copy, HISTORIES)) == ["added folded/project.json"]
    assert read(path)["description"] == description


@pytest.mark.parametrize("change", [{"name": "other"}, {"colour": "red"}])
def test_a_change_of_what_history_means_is_refused(copy: Kept, change: dict[str, str]) -> None:
    path = copy.folded("project")
    path.write_text(json.dumps({**read(path), **change}))
    before = contents(copy)
    assert list(freeze(copy, HISTORIES)) == [
        f"project.json: {', '.join(change)} fold to something else than before; if that is meant, delete {path}"
    ]
    assert contents(copy) == before


def test_histories_are_of_the_aggregates_that_there_are() -> None:
    lives: list[Aggregate] = [live() for live in HISTORIES.values()]
    assert {life.KIND for life in lives} == set(AGGREGATES)
