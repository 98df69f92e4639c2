from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.placement.choose import choose
from domain.placement.hosts import HostView
from domain.resources import Resources, lacking

SMALL = Resources(1, 128, 1)
hosts = st.lists(
    st.builds(
        HostView,
        name=st.text("abc", min_size=1, max_size=4),
        up=st.booleans(),
        enabled=st.booleans(),
        free=st.builds(Resources, st.integers(-2, 8), st.integers(-100, 4096), st.integers(0, 40)),
    ),
    unique_by=lambda host: host.name,
    max_size=8,
)
asks = st.builds(Resources, st.integers(0, 8), st.integers(0, 4096), st.integers(0, 40))


def host(name: str, memory: int = 1000) -> HostView:
    return HostView(name, up=True, enabled=True, free=Resources(4, memory, 100))


def test_the_host_with_the_most_free_memory_is_best() -> None:
    assert choose([host("a", 500), host("b", 900), host("c", 700)], SMALL).ranked == ("b", "c", "a")


def test_a_tie_is_broken_by_name_so_that_a_choice_can_be_repeated() -> None:
    assert choose([host("b"), host("a")], SMALL).ranked == ("a", "b")


def test_the_reason_says_how_many_hosts_each_filter_removed() -> None:
    choice = choose([replace(host("a"), up=False), replace(host("b"), enabled=False), host("c", 10)], SMALL)
    assert choice.ranked == ()
    assert choice.reason == (
        "No valid host was found. Of 3 hosts considered, host_up removed 1 (for example a: its agent is not heard from), "
        "host_enabled removed 1 (for example b: an operator has disabled it), "
        "fits removed 1 (for example c: not enough free memory_mib)."
    )


def test_without_hosts_the_reason_says_so() -> None:
    assert choose([], SMALL).reason == "No valid host was found. There are no compute hosts."


@given(hosts, asks)
def test_every_host_is_either_ranked_or_removed_by_exactly_one_filter(views: list[HostView], ask: Resources) -> None:
    choice = choose(views, ask)
    removed = sum(outcome["removed"] for outcome in choice.explanation["filters"].values())
    assert removed + len(choice.ranked) == choice.explanation["considered"] == len(views)
    by_name = {view.name: view for view in views}
    assert all(by_name[name].up and by_name[name].enabled for name in choice.ranked)
    assert all(not lacking(by_name[name].free, ask) for name in choice.ranked)


@given(hosts, asks, st.randoms())
def test_the_order_in_which_hosts_are_known_does_not_matter(
    views: list[HostView], ask: Resources, random: object
) -> None:
    shuffled = list(views)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, ask) == choose(views, ask)
