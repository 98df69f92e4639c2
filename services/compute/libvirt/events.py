"""What libvirt tells unasked: which guest changed, and why it stopped."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import libvirt

from domain.instance.state import StopReason

_starting = threading.Lock()
_running: threading.Thread | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A guest changed."""

    instance_id: str
    stopped: bool = False
    reason: StopReason | None = None


class Lifecycle:
    """Makes changes of libvirt's lifecycle events.

    When a guest's QEMU ends in order, only the event before the last tells who wanted it: the guest or a signal. So that is
    remembered until the last one comes. Used in libvirt's event thread only.
    """

    def __init__(self) -> None:
        self._ending: dict[str, StopReason] = {}

    def change(self, instance_id: str, event: int, detail: int) -> Change | None:
        """The change that an event means; None when it means none that matters. Source: `virDomainEventType`."""
        match event:
            case libvirt.VIR_DOMAIN_EVENT_SHUTDOWN:
                by_host = detail == libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST
                self._ending[instance_id] = StopReason.HOST if by_host else StopReason.GUEST
                return None
            case libvirt.VIR_DOMAIN_EVENT_STOPPED:
                ending = self._ending.pop(instance_id, StopReason.GUEST)
                return Change(instance_id, stopped=True, reason=STOPPED.get(detail, ending))
            case libvirt.VIR_DOMAIN_EVENT_CRASHED:
                return Change(instance_id, stopped=True, reason=StopReason.CRASHED)
            case libvirt.VIR_DOMAIN_EVENT_DEFINED:
                return None
            case libvirt.VIR_DOMAIN_EVENT_STARTED:
                self._ending.pop(instance_id, None)
                return Change(instance_id)
            case _:
                return Change(instance_id)


STOPPED: Mapping[int, StopReason | None] = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: None,  # it is suspended, not off
    libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: StopReason.HOST,  # by an operator, or because the host stops
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: StopReason.CRASHED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: StopReason.CRASHED,
}
"""How a guest that others than the driver stopped did so → why; what is missing here ended in order."""


def listen(connection: Any, lifecycle: Lifecycle, on_change: Callable[[Change], None]) -> None:
    """Call `on_change`, in libvirt's event thread, at every change of a guest. Raises libvirtError."""

    def happened(_connection: Any, domain: Any, event: int, detail: int, _opaque: Any) -> None:
        change = lifecycle.change(domain.UUIDString(), event, detail)
        if change is not None:
            on_change(change)

    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, happened, None)


def run_event_loop() -> None:
    """Have a thread that serves libvirt's events, one in the process; before the first connection is opened."""
    global _running  # noqa: PLW0603 -- libvirt's event loop is one a process
    with _starting:
        if _running is None:
            libvirt.virEventRegisterDefaultImpl()
            _running = threading.Thread(target=_serve, name="libvirt-events", daemon=True)
            _running.start()


def _serve() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
