"""Names of aggregates as subjects: any text, reversibly, in characters that NATS takes."""

import re
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import DataError
from hypothesis import given
from hypothesis import strategies as st

from journal.persistence.naming import LONGEST, ApplicationNaming, text_of, token
from journal.persistence.region_log import RegionNaming

TEXTS = st.text(st.characters(), max_size=80)


@given(TEXTS)
def test_a_token_is_one_token_and_tells_its_text(text: str) -> None:
    made = token(text)
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", made)
    assert text_of(made) == text


@given(TEXTS, TEXTS)
def test_two_texts_are_two_tokens(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


@given(st.one_of(TEXTS, st.uuids()))
def test_a_subject_tells_its_aggregate(originator_id: str | UUID) -> None:
    naming = ApplicationNaming("orders")
    assert naming.originator_of(naming.subject_of(originator_id)) == originator_id


def test_what_is_no_event_has_no_aggregate() -> None:
    naming = ApplicationNaming("orders")
    assert naming.originator_of(naming.tracking_of("orders")) is None
    assert naming.originator_of(naming.transaction("x")) is None
    assert naming.originator_of(ApplicationNaming("orders-2").subject_of("a")) is None


def test_what_no_server_would_read_is_refused() -> None:
    assert len(token("x" * LONGEST)) == LONGEST
    with pytest.raises(DataError):
        token("x" * (LONGEST + 1))


def test_a_region_s_aggregates_are_of_a_kind() -> None:
    an_id = str(uuid4())
    assert RegionNaming("instance").originator_of(f"evt.instance.{an_id}") == an_id
    assert RegionNaming("instance").originator_of("evt.host.h") is None
    assert RegionNaming("").originator_of("evt.host.h") == "h"
