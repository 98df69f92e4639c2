"""Why a guest stopped, as libvirt's events tell it."""

import libvirt
import pytest

from domain.instance.state import StopReason
from services.compute.libvirt.events import Change, Lifecycle

GUEST = "6c0f7b46-13c5-4b0a-9a34-0f2a5c1f0d11"
SHUTDOWN, STOPPED, STARTED = (
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN,
    libvirt.VIR_DOMAIN_EVENT_STOPPED,
    libvirt.VIR_DOMAIN_EVENT_STARTED,
)
IN_ORDER = (STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([(SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_GUEST), IN_ORDER], StopReason.GUEST),
        ([(SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST), IN_ORDER], StopReason.HOST),
        ([(SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST), (STARTED, 0), IN_ORDER], StopReason.GUEST),
        ([IN_ORDER], StopReason.GUEST),
        ([(STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED)], StopReason.CRASHED),
        ([(STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED)], StopReason.CRASHED),
        ([(STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED)], StopReason.HOST),
    ],
)
def test_why_a_guest_stopped(events: list[tuple[int, int]], reason: StopReason) -> None:
    lifecycle = Lifecycle()
    *_, last = [lifecycle.change(GUEST, event, detail) for event, detail in events]
    assert last == Change(GUEST, stopped=True, reason=reason)


def test_a_guest_whose_memory_was_saved_has_not_stopped_for_a_reason() -> None:
    saved = Lifecycle().change(GUEST, STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED)
    assert saved == Change(GUEST, stopped=True)


def test_what_one_guest_does_says_nothing_of_another() -> None:
    lifecycle = Lifecycle()
    lifecycle.change("another", SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST)
    assert lifecycle.change(GUEST, *IN_ORDER) == Change(GUEST, stopped=True, reason=StopReason.GUEST)


def test_other_changes_are_told_without_a_reason() -> None:
    lifecycle = Lifecycle()
    assert lifecycle.change(GUEST, STARTED, 0) == Change(GUEST)
    assert lifecycle.change(GUEST, libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 0) == Change(GUEST)
    assert lifecycle.change(GUEST, libvirt.VIR_DOMAIN_EVENT_DEFINED, 0) is None
    assert lifecycle.change(GUEST, SHUTDOWN, 0) is None
