"""Network cards of an instance that is built already."""

from functools import partial
from typing import Any

from domain.errors import IllegalInState, NotFound
from domain.instance.instance import Instance
from domain.instance.interfaces import (
    InterfaceAttached,
    InterfaceAttachFailed,
    InterfaceAttachRequested,
    InterfaceDetached,
    InterfaceDetachFailed,
    InterfaceDetachRequested,
    attach_interface,
    detach_interface,
)
from domain.instance.observation import Observation, observe
from domain.instance.power import InstanceStopped, stop
from domain.instance.state import PowerState
from tests.unit.domain.specification import AT, ID, given, placed, seen

RUNS = (placed(), seen())
NIC: dict[str, Any] = {"port_id": "p-1", "network_id": "n-1", "address": "10.0.0.5", "mac": "52:54:00:00:00:05"}
attach, detach = partial(attach_interface, nic=NIC, at=AT), partial(detach_interface, port_id="p-1", at=AT)


def states(instance: Instance) -> list[str | None]:
    return [nic.get("state") for nic in instance.nics]


def test_a_card_that_is_asked_for_is_work_for_the_agent() -> None:
    instance = given(*RUNS).when(attach).then(InterfaceAttachRequested)
    assert states(instance) == ["attaching"]
    assert instance.generation == 2
    assert instance.task is None


def test_a_card_that_the_agent_reports_is_there() -> None:
    instance = given(*RUNS, attach).when(seen()).then(InterfaceAttached)
    assert instance.nics == [NIC]
    given(*RUNS, attach, seen()).when(seen()).then()


def test_a_report_from_before_it_was_asked_for_says_nothing_of_the_card() -> None:
    earlier = Observation(ID, 1, exists=True, power=PowerState.RUNNING)
    given(*RUNS, attach).when(lambda it: observe(it, earlier, at=AT)).then()
    given(*RUNS, attach).when(seen(settled=False)).then()


def test_a_card_that_cannot_be_plugged_is_wanted_no_longer() -> None:
    instance = given(*RUNS, attach).when(seen(error="no slot")).then(InterfaceAttachFailed)
    assert instance.nics == []
    assert instance.generation == 3
    failed = instance.pending_events[-1]
    assert isinstance(failed, InterfaceAttachFailed)
    assert (failed.port_id, failed.network_id, failed.reason) == ("p-1", "n-1", "no slot")


def test_a_card_is_asked_for_once() -> None:
    given(*RUNS, attach).when(attach).then()


def test_a_card_is_taken_away_when_the_agent_has_seen_it_gone() -> None:
    instance = given(*RUNS, attach, seen()).when(detach).then(InterfaceDetachRequested)
    assert states(instance) == ["detaching"]
    given(*RUNS, attach, seen(), detach).when(detach).then()
    assert given(*RUNS, attach, seen(), detach).when(seen()).then(InterfaceDetached).nics == []


def test_a_card_that_the_guest_does_not_let_go_of_stays() -> None:
    instance = given(*RUNS, attach, seen(), detach).when(seen(error="busy")).then(InterfaceDetachFailed)
    assert instance.nics == [NIC]
    assert instance.generation == 4


def test_a_card_that_is_not_there_cannot_be_taken_away() -> None:
    given(*RUNS).when(detach).then_raises(NotFound, "Port id p-1 could not be found.")


def test_cards_of_a_stopped_guest_can_change_and_of_one_that_is_built_cannot() -> None:
    off = (partial(stop, at=AT), seen(PowerState.SHUTDOWN))
    given(*RUNS, *off, attach).when(seen(PowerState.SHUTDOWN)).then(InterfaceAttached)
    given(placed()).when(attach).then_raises(
        IllegalInState, f"Cannot 'attach_interface' instance {ID} while it is in vm_state building"
    )


def test_a_report_may_tell_of_the_guest_and_of_its_cards() -> None:
    given(*RUNS, attach, partial(stop, at=AT)).when(seen(PowerState.SHUTDOWN)).then(InstanceStopped, InterfaceAttached)
