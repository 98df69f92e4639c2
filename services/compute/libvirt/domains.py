"""The host's domains through libvirt: small blocking steps that the driver puts together. Each runs in a libvirt thread.

They raise libvirtError; a domain that is not there is no error.
"""

from typing import Any

import libvirt
from lxml import etree

from domain.instance.state import PowerState, StopReason
from services.compute.libvirt.xml import OURS

POWER = {
    libvirt.VIR_DOMAIN_NOSTATE: PowerState.NOSTATE,
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,  # it is about to be off, and is not yet
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.SUSPENDED,
}

CERTAIN = {
    libvirt.VIR_DOMAIN_SHUTOFF_CRASHED: StopReason.CRASHED,
    libvirt.VIR_DOMAIN_SHUTOFF_FAILED: StopReason.CRASHED,
    libvirt.VIR_DOMAIN_SHUTOFF_DAEMON: StopReason.CRASHED,  # its process was found dead, or mute, by a restarted daemon
}
"""Why a domain is off, where libvirt's word is enough."""

LIKELY = {
    libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN: StopReason.GUEST,
    libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED: StopReason.HOST,  # not by the driver, which would have noted it
    libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN: StopReason.HOST,  # the daemon has no memory of it: the host went down with it
}
"""Why a domain is off when nobody noted a reason."""

UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


def find(connection: Any, instance_id: str) -> Any | None:
    """The domain; None when there is none."""
    try:
        return connection.lookupByUUIDString(instance_id)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def is_ours(domain: Any) -> bool:
    """Whether Chronova made the domain."""
    try:
        domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, OURS)
    except libvirt.libvirtError as error:
        if error.get_error_code() in {libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_DOMAIN}:
            return False
        raise
    return True


def is_off(connection: Any, instance_id: str) -> bool:
    """Whether the domain is off, or not there."""
    domain = find(connection, instance_id)
    return domain is None or not domain.isActive()


def power_on(connection: Any, instance_id: str) -> None:
    """Start the domain; nothing when it runs. A domain that is not there is an error here: there is nothing to start."""
    domain = connection.lookupByUUIDString(instance_id)
    state, _reason = domain.state()
    if state in {libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PMSUSPENDED}:
        domain.resume() if state == libvirt.VIR_DOMAIN_PAUSED else domain.pMWakeup()
    elif not domain.isActive():
        domain.create()


def pause(connection: Any, instance_id: str) -> None:
    """Let the domain's processors stand still; nothing when they do."""
    domain = connection.lookupByUUIDString(instance_id)
    if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
        domain.suspend()


def save(connection: Any, instance_id: str) -> None:
    """Write the domain's memory to disk and end it; nothing when it is off."""
    domain = connection.lookupByUUIDString(instance_id)
    if domain.isActive():
        domain.managedSave(0)


def is_saved(domain: Any) -> bool:
    """Whether the domain's memory lies on disk."""
    return bool(domain.hasManagedSaveImage(0))


def forget_saved(connection: Any, instance_id: str) -> None:
    """Remove memory that lies on disk, so that the domain boots when it is started; nothing when there is none."""
    domain = find(connection, instance_id)
    if domain is not None and is_saved(domain):
        domain.managedSaveRemove(0)


def interrupt(connection: Any, instance_id: str) -> None:
    """Send the domain an interrupt that its kernel cannot mask (NMI)."""
    connection.lookupByUUIDString(instance_id).injectNMI(0)


def press_power_button(connection: Any, instance_id: str) -> None:
    """Ask the guest to shut down (ACPI); nothing when it is off."""
    domain = find(connection, instance_id)
    if domain is not None:
        _unless_off(domain.shutdownFlags, libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)


def power_off(connection: Any, instance_id: str) -> None:
    """Pull the plug; nothing when it is off."""
    domain = find(connection, instance_id)
    if domain is not None:
        _unless_off(domain.destroy)


def plug(connection: Any, instance_id: str, interface: str) -> None:
    """Give the domain a card, at once where it runs, and for ever."""
    domain = connection.lookupByUUIDString(instance_id)
    domain.attachDeviceFlags(interface, _where(domain))


def unplug(connection: Any, instance_id: str, interface: str) -> None:
    """Take a card away for ever, and ask a running guest to let go of it."""
    domain = connection.lookupByUUIDString(instance_id)
    domain.detachDeviceFlags(interface, _where(domain))


def has_card(connection: Any, instance_id: str, mac: str) -> bool:
    """Whether the domain has the card now."""
    return mac in cards(connection.lookupByUUIDString(instance_id))


def cards(domain: Any) -> frozenset[str]:
    """The hardware addresses of a domain's cards, as it has them now."""
    description = etree.fromstring(domain.XMLDesc().encode())
    return frozenset(str(mac.get("address")) for mac in description.iterfind("devices/interface/mac"))


def _where(domain: Any) -> int:
    live: int = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    return live | int(libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def undefine(connection: Any, instance_id: str) -> None:
    """Forget the domain."""
    domain = find(connection, instance_id)
    if domain is not None:
        domain.undefineFlags(UNDEFINE)


def _unless_off(action: Any, *arguments: Any) -> None:
    try:
        action(*arguments)
    except libvirt.libvirtError as error:
        # It went off, or away, between looking and asking.
        if error.get_error_code() not in {libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN}:
            raise
