"""The agent's plan, as a table: what is wanted, what is there, what was brought about → the next step."""

from dataclasses import replace

import pytest

from domain.instance.desired import Desired, Errand, ErrandKind, GuestSpec, Restarts, Want
from domain.instance.state import PowerState
from services.compute.hypervisor import Actual
from services.compute.ledger import Applied
from services.compute.plan import Known, Step, plan
from tests.unit.compute.libvirt.guests import GUEST, NIC

RUNNING, OFF, CRASHED, PAUSED, SUSPENDED = (
    Actual("i", power)
    for power in (
        PowerState.RUNNING,
        PowerState.SHUTDOWN,
        PowerState.CRASHED,
        PowerState.PAUSED,
        PowerState.SUSPENDED,
    )
)
RESCUED = Actual("i", PowerState.RUNNING, rescued=True)
NOW = Applied(generation=3, restarts=0, session="s")
EARLIER = Applied(generation=2, restarts=0, session="s")
BEFORE_REBOOT = Applied(generation=3, restarts=0, session="another")
GAVE_UP = Applied(generation=3, restarts=0, session="s", error="no")


@pytest.mark.parametrize(
    ("want", "launched", "actual", "applied", "step"),
    [
        (Want.RUNNING, False, None, None, Step.BUILD),
        (Want.RUNNING, False, None, Applied(0, 0, "s"), Step.BUILD),
        (Want.RUNNING, False, None, GAVE_UP, Step.REPORT),
        (Want.RUNNING, True, None, None, Step.REPORT),
        (Want.RUNNING, True, None, EARLIER, Step.REPORT),
        (Want.RUNNING, False, RUNNING, None, Step.REPORT),
        (Want.RUNNING, True, RUNNING, NOW, Step.REPORT),
        (Want.RUNNING, True, OFF, EARLIER, Step.START),
        (Want.RUNNING, True, OFF, NOW, Step.REPORT),
        (Want.RUNNING, True, CRASHED, NOW, Step.REPORT),
        (Want.RUNNING, True, OFF, BEFORE_REBOOT, Step.START),
        (Want.RUNNING, True, OFF, GAVE_UP, Step.REPORT),
        (Want.SHUTDOWN, True, RUNNING, EARLIER, Step.SHUT_DOWN),
        (Want.SHUTDOWN, True, RUNNING, NOW, Step.SHUT_DOWN),
        (Want.SHUTDOWN, True, OFF, EARLIER, Step.REPORT),
        (Want.SHUTDOWN, True, OFF, BEFORE_REBOOT, Step.REPORT),
        (Want.ABSENT, True, RUNNING, NOW, Step.DESTROY),
        (Want.ABSENT, True, OFF, None, Step.DESTROY),
        (Want.ABSENT, False, None, Applied(0, 0, "s"), Step.DESTROY),
        (Want.ABSENT, True, None, None, Step.REPORT),
        (Want.PAUSED, True, RUNNING, EARLIER, Step.PAUSE),
        (Want.PAUSED, True, RUNNING, NOW, Step.PAUSE),
        (Want.PAUSED, True, PAUSED, EARLIER, Step.REPORT),
        (Want.PAUSED, True, OFF, EARLIER, Step.REPORT),
        (Want.PAUSED, True, OFF, BEFORE_REBOOT, Step.START),
        (Want.RUNNING, True, PAUSED, EARLIER, Step.UNPAUSE),
        (Want.RUNNING, True, PAUSED, NOW, Step.REPORT),
        (Want.SUSPENDED, True, RUNNING, EARLIER, Step.SUSPEND),
        (Want.SUSPENDED, True, PAUSED, EARLIER, Step.UNPAUSE),
        (Want.SUSPENDED, True, SUSPENDED, EARLIER, Step.REPORT),
        (Want.SUSPENDED, True, OFF, EARLIER, Step.REPORT),
        (Want.RUNNING, True, SUSPENDED, EARLIER, Step.RESUME),
        (Want.SHUTDOWN, True, PAUSED, EARLIER, Step.SHUT_DOWN),
        (Want.SHUTDOWN, True, SUSPENDED, NOW, Step.SHUT_DOWN),
        (Want.RESCUED, True, RUNNING, EARLIER, Step.RESCUE),
        (Want.RESCUED, True, OFF, EARLIER, Step.RESCUE),
        (Want.RESCUED, True, RESCUED, EARLIER, Step.REPORT),
        (Want.RUNNING, True, RESCUED, EARLIER, Step.UNRESCUE),
        (Want.ABSENT, True, RESCUED, NOW, Step.DESTROY),
    ],
)
def test_the_next_step(want: Want, launched: bool, actual: Actual | None, applied: Applied | None, step: Step) -> None:
    desired = Desired("i", generation=3, want=want, launched=launched)
    assert plan(Known(desired, actual, applied, session="s")) is step


def test_a_reboot_is_due_until_it_was_done_once() -> None:
    desired = Desired("i", generation=3, want=Want.RUNNING, restarts=Restarts(1), launched=True)
    assert plan(Known(desired, RUNNING, EARLIER, "s")) is Step.REBOOT
    assert plan(Known(desired, OFF, EARLIER, "s")) is Step.REBOOT
    assert plan(Known(desired, RUNNING, Applied(3, 1, "s"), "s")) is Step.REPORT


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (ErrandKind.PASSWORD, Step.SET_PASSWORD),
        (ErrandKind.SNAPSHOT, Step.UPLOAD_IMAGE),
        (ErrandKind.REBUILD, Step.REBUILD),
    ],
)
def test_an_errand_is_run_once_at_its_generation(kind: ErrandKind, step: Step) -> None:
    desired = Desired("i", generation=3, want=Want.RUNNING, launched=True, errand=Errand(kind))
    assert plan(Known(desired, RUNNING, EARLIER, "s")) is step
    assert plan(Known(desired, RUNNING, None, "s")) is step
    assert plan(Known(desired, RUNNING, Applied(3, 0, "s", errand=3), "s")) is Step.REPORT
    assert plan(Known(desired, RUNNING, GAVE_UP, "s")) is Step.REPORT


def test_a_rebuild_that_was_cut_short_is_begun_again_and_a_lost_guest_is_not_made_anew_by_another_errand() -> None:
    def errand(kind: ErrandKind) -> Desired:
        return Desired("i", generation=3, want=Want.RUNNING, launched=True, errand=Errand(kind))

    assert plan(Known(errand(ErrandKind.REBUILD), None, Applied(0, 0, "s"), "s")) is Step.REBUILD
    assert plan(Known(errand(ErrandKind.SNAPSHOT), None, EARLIER, "s")) is Step.REPORT


def test_no_errand_starts_a_guest_that_has_stopped_by_itself() -> None:
    desired = Desired("i", generation=3, want=Want.RUNNING, launched=True, errand=Errand(ErrandKind.SNAPSHOT))
    assert plan(Known(desired, OFF, EARLIER, "s")) is Step.UPLOAD_IMAGE


def test_a_guest_that_is_rebuilt_off_is_shut_down_afterwards() -> None:
    desired = Desired("i", generation=3, want=Want.SHUTDOWN, launched=True, errand=Errand(ErrandKind.REBUILD))
    assert plan(Known(desired, OFF, EARLIER, "s")) is Step.REBUILD
    assert plan(Known(desired, RUNNING, Applied(3, 0, "s", errand=3), "s")) is Step.SHUT_DOWN


def test_a_crash_dump_is_due_until_it_was_triggered_once() -> None:
    desired = Desired("i", generation=3, want=Want.RUNNING, launched=True, dumps=2)
    assert plan(Known(desired, RUNNING, Applied(2, 0, "s", dumps=1), "s")) is Step.DUMP
    assert plan(Known(desired, RUNNING, Applied(3, 0, "s", dumps=2), "s")) is Step.REPORT
    assert plan(Known(desired, RUNNING, None, "s")) is Step.REPORT


def with_cards(*macs: str, power: PowerState = PowerState.RUNNING) -> Actual:
    return Actual("i", power, cards=frozenset(macs))


def spec_with(*macs: str) -> GuestSpec:
    return replace(GUEST, nics=tuple(replace(NIC, mac=mac) for mac in macs))


@pytest.mark.parametrize(
    ("want", "cards", "actual", "applied", "step"),
    [
        (Want.RUNNING, "ab", with_cards("a"), NOW, Step.PLUG),
        (Want.RUNNING, "a", with_cards("a", "b"), EARLIER, Step.PLUG),
        (Want.RUNNING, "ab", with_cards("b", "a"), NOW, Step.REPORT),
        (Want.SHUTDOWN, "ab", with_cards("a", power=PowerState.SHUTDOWN), NOW, Step.PLUG),
        (Want.SHUTDOWN, "ab", with_cards("a"), NOW, Step.SHUT_DOWN),
        (Want.RUNNING, "ab", with_cards("a", power=PowerState.SHUTDOWN), EARLIER, Step.START),
        (Want.RUNNING, "ab", with_cards("a"), GAVE_UP, Step.REPORT),
        (Want.RUNNING, "ab", RUNNING, NOW, Step.REPORT),  # which it has is not known
        (Want.RUNNING, "ab", None, NOW, Step.REPORT),
        (Want.ABSENT, "ab", with_cards("a"), NOW, Step.DESTROY),
    ],
)
def test_cards_are_made_those_of_the_spec_when_the_guest_is_as_it_should_be(
    want: Want, cards: str, actual: Actual | None, applied: Applied | None, step: Step
) -> None:
    desired = Desired("i", 3, want, launched=True, spec=spec_with(*cards))
    assert plan(Known(desired, actual, applied, "s")) is step
