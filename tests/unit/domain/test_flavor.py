from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Conflict, Invalid, NotFound
from domain.flavor import Flavor, create_flavor, delete_flavor, replace_flavor
from domain.flavor_changes import change_extra_specs, describe_flavor, grant_access, revoke_access, set_rxtx_factor

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def flavor(flavor_id: str = "1", **other: Any) -> Flavor:
    return create_flavor(flavor_id, **{"name": "tiny", "vcpus": 1, "ram": 128, "disk": 1, **other}, at=AT)


@pytest.mark.parametrize("flavor_id", ["1", "m1.tiny", "very small one", "a-b_c.d e"])
def test_an_id_may_have_blanks_and_dots_which_subjects_may_not(flavor_id: str) -> None:
    made = flavor(flavor_id)
    assert made.flavor_id == flavor_id == made.document()["id"]
    assert not {".", " "} & set(made.id)


@pytest.mark.parametrize("wrong", ["", " a", "a ", "a/b", "a=b", "a%2Eb", "a*", "x" * 256])
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid):
        flavor(wrong)


def test_an_id_stands_for_another_size_once_its_flavor_is_deleted_and_keeps_nothing_of_it() -> None:
    first, other = flavor(is_public=False), flavor(name="other", ram=256)
    grant_access(first, "p", at=AT)
    set_rxtx_factor(first, 2.0, at=AT)
    with pytest.raises(Conflict, match="Flavor with ID 1 already exists"):
        replace_flavor(first, other, at=AT)
    delete_flavor(first, at=AT)
    replace_flavor(first, other, at=AT)
    assert first.document() == other.document()
    assert (first.projects, first.rxtx_factor, first.is_deleted) == ([], 1.0, False)


def test_extra_specs_are_set_and_removed_and_what_changes_nothing_is_no_event() -> None:
    small = flavor()
    change_extra_specs(small, {"a": "1", "b": "2"}, at=AT)
    change_extra_specs(small, {"a": "3"}, removed=["b"], at=AT)
    assert small.extra_specs == {"a": "3"}
    before = len(small.pending_events)
    change_extra_specs(small, {"a": "3"}, at=AT)
    describe_flavor(small, None, at=AT)
    assert len(small.pending_events) == before
    with pytest.raises(NotFound, match="Flavor 1 has no extra specs with key b"):
        change_extra_specs(small, {}, removed=["b"], at=AT)


def test_access_is_granted_and_revoked_once() -> None:
    small = flavor()
    grant_access(small, "p", at=AT)
    with pytest.raises(Conflict, match="Flavor access already exists for flavor 1 and project p combination"):
        grant_access(small, "p", at=AT)
    revoke_access(small, "p", at=AT)
    with pytest.raises(NotFound, match="Flavor access not found for 1 / p combination"):
        revoke_access(small, "p", at=AT)


def test_a_deleted_flavor_cannot_be_changed() -> None:
    gone = flavor()
    delete_flavor(gone, at=AT)
    with pytest.raises(NotFound, match="Flavor 1 could not be found"):
        describe_flavor(gone, "x", at=AT)
