"""What is said of a stream's copies, from what the server says of them."""

from typing import Any

import pytest

from journal.copies import SILENCE, Copies

CURRENT: dict[str, Any] = {"name": "n2", "current": True, "active": 1, "lag": 7}


def copies(*others: dict[str, Any], leader: str | None = "n1") -> Copies:
    return Copies.from_document("EVENTS", {"leader": leader, "replicas": list(others)})


def test_a_copy_that_keeps_up_is_told_with_its_lag() -> None:
    assert copies(CURRENT).lag == {"n2": 7}


@pytest.mark.parametrize("away", [{"current": False}, {"offline": True}, {"active": SILENCE + 1}])
def test_a_copy_whose_node_is_not_heard_of_is_away(away: dict[str, Any]) -> None:
    assert copies({**CURRENT, **away}).lag == {"n2": None}


def test_a_stream_is_whole_when_it_is_led_and_enough_nodes_keep_up() -> None:
    third = {**CURRENT, "name": "n3"}
    assert copies(CURRENT, third).is_whole(3)
    assert not copies(CURRENT).is_whole(3)
    assert not copies(CURRENT, third, leader=None).is_whole(3)
    assert not copies(CURRENT, {**third, "current": False}).is_whole(3)


def test_a_single_server_is_whole_by_itself() -> None:
    assert copies().is_whole(1)
