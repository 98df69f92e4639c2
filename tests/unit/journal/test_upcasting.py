"""What an older age of the code wrote is read as today's event: by the journal, and by the library's stock mapper."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.aggregate import KINDS, Event
from domain.registry import KNOWN
from journal.envelope import MAPPER, Author, JsonTranscoder, Recorded, seal
from journal.event_check import schema_errors
from journal.stored import Stored
from tests.unit.domain.ages import AGES, third_age
from tests.unit.domain.specification import AT
from tests.unit.passing import passing_events

VERSIONS = (1, 2, 3)
Parts = dict[str, Any]

numbers = st.integers(-(2**40), 2**40)
SAID: Mapping[int, st.SearchStrategy[Parts]] = {
    1: st.fixed_dictionaries({"maker": st.text(), "width": numbers}),
    2: st.fixed_dictionaries({"maker": st.text(), "width_mm": numbers}),
    3: st.fixed_dictionaries({"makers": st.lists(st.text()), "width_mm": numbers, "colour": st.none() | st.text()}),
}
MEANS: Mapping[int, Callable[[Parts], Parts]] = {
    1: lambda said: {"makers": [said["maker"]], "width_mm": said["width"] * 1000, "colour": None},
    2: lambda said: {"makers": [said["maker"]], "width_mm": said["width_mm"], "colour": None},
    3: lambda said: said,
}

said_once = st.sampled_from(VERSIONS).flatmap(lambda version: st.tuples(st.just(version), SAID[version]))


def event(of: Any, parts: Parts) -> Event:
    made: Event = of(originator_id="s", originator_version=1, timestamp=AT, originator_topic="chronova.shelf", **parts)
    return made


def written(version: int, parts: Parts) -> StoredEvent:
    """As the code of that age wrote it."""
    with passing_events():
        return MAPPER.to_stored_event(event(AGES[version - 1](), parts))


def by_the_registry(stored: StoredEvent) -> Event:
    known = KNOWN[stored.topic]
    parts = JsonTranscoder().decode(stored.state)
    known.upcast(parts)
    return event(known.event, {name: parts[name] for name in parts.keys() - {"timestamp", "originator_topic"}})


def by_the_stock_mapper(stored: StoredEvent) -> Any:
    return MAPPER.to_domain_event(stored)


def by_the_journal(stored: StoredEvent) -> Event:
    return Recorded.of(
        Stored.made_of(1, "evt.shelf.s", {"ce-type": stored.topic, "ce-sequence": "1"}, stored.state)
    ).event


@pytest.mark.parametrize("read", [by_the_registry, by_the_stock_mapper, by_the_journal])
@given(said=said_once)
@settings(max_examples=50, deadline=None)
def test_what_an_older_age_said_is_read_as_todays_event(
    read: Callable[[StoredEvent], Event], said: tuple[int, Parts]
) -> None:
    version, parts = said
    stored = written(version, parts)
    with passing_events():
        today = event(third_age(), MEANS[version](parts))
        found = read(stored)
        assert found == today
        assert vars(found) == vars(today)
        assert vars(found.mutate(None)) == vars(today.mutate(None))


@given(said=said_once)
@settings(max_examples=50, deadline=None)
def test_an_old_body_is_held_to_the_schema_of_its_own_version(said: tuple[int, Parts]) -> None:
    version, parts = said
    stored = written(version, parts)
    with passing_events():
        third_age()
        body = orjson.loads(stored.state)
        verdicts = {other: schema_errors(f"chronova.shelf.built.v{other}", body) for other in VERSIONS}
        assert [other for other, errors in verdicts.items() if not errors] == [version]


@given(parts=SAID[3])
@settings(deadline=None)
def test_the_journal_writes_the_body_that_the_stock_mapper_writes(parts: Parts) -> None:
    with passing_events():
        today = event(third_age(), parts)
        sealed = seal(KINDS["shelf"], today, Author(actor="user:test", source="test"), previous="")
        assert orjson.loads(sealed.body) == orjson.loads(MAPPER.to_stored_event(today).state)


@pytest.mark.parametrize(("version", "named"), [(1, None), (2, 2), (3, 3)])
def test_a_body_above_version_1_names_its_version(version: int, named: int | None) -> None:
    parts = {
        1: {"maker": "m", "width": 1},
        2: {"maker": "m", "width_mm": 1},
        3: {"makers": [], "width_mm": 1, "colour": None},
    }
    stored = written(version, parts[version])
    assert stored.topic == f"chronova.shelf.built.v{version}"
    assert orjson.loads(stored.state).get("class_version") == named
