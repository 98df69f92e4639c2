from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import NotFound, QuotaExceeded
from domain.placement.affinity import Affinity, Policy
from domain.placement.choose import choose
from domain.placement.hosts import HostView
from domain.placement.rules import Rules
from domain.resources import Resources
from domain.servergroup import ServerGroup, create_group, delete_group, join, leave, place_members

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SMALL = Resources(1, 128, 1)


def host(name: str, memory: int = 1000, zone: str = "nova") -> HostView:
    return HostView(name, up=True, enabled=True, free=Resources(4, memory, 100), zone=zone)


def group(policy: Policy, *members: str, most: int = 1) -> ServerGroup:
    rules = {"max_server_per_host": most} if most > 1 else {}
    made = create_group("g", project_id="p", user_id="u", name="g", policy=policy, rules=rules, at=AT)
    if members:
        join(made, members, most=-1, at=AT)
    return made


HOSTS = [host("a", 500), host("b", 900), host("c", 700)]


def ranked(policy: Policy, most: int = 1, **others: int) -> tuple[str, ...]:
    return choose(HOSTS, SMALL, rules=Rules(affinity=Affinity(policy, most, others))).ranked


def test_affinity_keeps_to_where_the_others_are_and_begins_anywhere() -> None:
    assert ranked(Policy.AFFINITY, a=2) == ("a",)
    assert ranked(Policy.AFFINITY) == ("b", "c", "a")


def test_anti_affinity_keeps_away_up_to_as_many_as_are_allowed_on_one_host() -> None:
    assert ranked(Policy.ANTI_AFFINITY, b=1) == ("c", "a")
    assert ranked(Policy.ANTI_AFFINITY, most=2, b=1) == ("b", "c", "a")


def test_soft_policies_forbid_nothing_and_come_before_free_memory() -> None:
    assert ranked(Policy.SOFT_AFFINITY, a=1, c=2) == ("c", "a", "b")
    assert ranked(Policy.SOFT_ANTI_AFFINITY, b=2, c=1) == ("a", "c", "b")


def test_the_explanation_says_which_rule_removed_a_host() -> None:
    hosts = [host("a", zone="east"), host("b"), host("c"), host("d"), host("e")]
    rules = Rules(
        zone="nova",
        same_host=frozenset({"a", "c", "d", "e"}),
        different_host=frozenset({"d"}),
        affinity=Affinity(Policy.ANTI_AFFINITY, 1, {"c": 1}),
    )
    choice = choose(hosts, SMALL, rules=rules)
    assert choice.ranked == ("e",)
    removed = {name: found["example"] for name, found in choice.explanation["filters"].items() if found["removed"]}
    assert removed == {
        "in_zone": {"host": "a", "why": "it is in zone east"},
        "same_host": {"host": "b", "why": "none of the instances named live there"},
        "different_host": {"host": "d", "why": "an instance that was named lives there"},
        "group_policy": {"host": "c", "why": "1 of its group live there already"},
    }


def test_a_host_that_an_administrator_wants_is_the_only_one() -> None:
    assert choose(HOSTS, SMALL, rules=Rules(host="a")).ranked == ("a",)


def test_a_group_has_no_more_members_than_it_may() -> None:
    small = group(Policy.AFFINITY, "i", "j")
    with pytest.raises(QuotaExceeded, match="Quota exceeded, too many servers in group"):
        join(small, ["k"], most=2, at=AT)
    join(small, ["j"], most=2, at=AT)
    leave(small, ["i", "unknown"], at=AT)
    join(small, ["k"], most=2, at=AT)
    assert set(small.members) == {"j", "k"}


def test_a_deleted_group_takes_nobody_in_and_binds_nobody() -> None:
    gone = group(Policy.ANTI_AFFINITY, "i", "j")
    delete_group(gone, at=AT)
    with pytest.raises(NotFound):
        join(gone, ["k"], most=10, at=AT)
    assert place_members(gone, {"i": "a", "j": "a"}, at=AT) == frozenset()


def test_of_two_placements_that_the_policy_does_not_allow_together_the_second_is_refused() -> None:
    apart = group(Policy.ANTI_AFFINITY, "i", "j")
    assert place_members(apart, {"i": "a"}, at=AT) == frozenset()
    assert place_members(apart, {"j": "a"}, at=AT) == {"j"}
    assert place_members(apart, {"j": "b"}, at=AT) == frozenset()


@given(
    st.sampled_from(Policy),
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("ijklm"), st.sampled_from(["a", "b", "c", None])), max_size=20),
)
def test_whatever_is_placed_and_moved_the_policy_holds(
    policy: Policy, most: int, moves: list[tuple[str, str | None]]
) -> None:
    made = group(policy, *"ijklm", most=most)
    for instance_id, where in moves:
        refused = place_members(made, {instance_id: where}, at=AT)
        assert refused or made.members[instance_id] == where
        hosts = Counter(each for each in made.members.values() if each is not None)
        assert policy is not Policy.AFFINITY or len(hosts) <= 1
        assert policy is not Policy.ANTI_AFFINITY or max(hosts.values(), default=0) <= most
