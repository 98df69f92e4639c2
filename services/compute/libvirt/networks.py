"""The host's networks: one libvirt network for each of Chronova's, there as long as a guest on this host has a card in it.

Which address a card has is chosen in the log. Here it becomes a line that the network's DHCP server (dnsmasq) reads: one
small file a card, and a signal. Libvirt could be asked to do that, but it would take down and set up the network's firewall
rules each time, under the feet of the guests that use them.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import libvirt
from lxml import etree

from domain.instance.desired import Nic
from services.compute.libvirt.connection import Connection
from services.compute.libvirt.dhcp_release import release_lease
from services.compute.libvirt.layout import Layout

log = logging.getLogger(__name__)

DNSMASQ = "http://libvirt.org/schemas/network/dnsmasq/1.0"
LARGEST_RANGE = 65535  # addresses: libvirt refuses more
DEFAULT_MTU = 1500
FIREWALL_TROUBLE = ("iptables", "ip6tables", "ebtables", "firewall")


def network_name(network_id: str) -> str:
    """What libvirt calls the network."""
    return f"chronova-{network_id}"


def bridge_name(network_id: str) -> str:
    """The network's bridge: Linux allows 15 characters."""
    return f"chr-{hashlib.sha256(network_id.encode()).hexdigest()[:11]}"


def network_xml(nic: Nic, hosts: Path, forward: str) -> str:
    """The network that a card is in, as libvirt is told of it. Source: libvirt's network XML format.

    `hosts` is the directory of DHCP's lines as dnsmasq sees it; `forward` is `nat` or `open`.
    """
    subnet = IPv4Network(nic.cidr)
    network = etree.Element("network", nsmap={"dnsmasq": DNSMASQ})
    _add(network, "name", network_name(nic.network_id))
    _add(network, "uuid", nic.network_id)
    _add(network, "forward", mode=forward)
    _add(network, "bridge", name=bridge_name(nic.network_id), stp="off", delay="0")
    if nic.mtu != DEFAULT_MTU:
        _add(network, "mtu", size=str(nic.mtu))
    dhcp = _add(_add(network, "ip", address=nic.gateway, prefix=str(subnet.prefixlen)), "dhcp")
    # dnsmasq gives no more leases than the range has addresses, to known cards too: so the range is the whole subnet, and
    # cards that are not known are ignored. Leases are short, so that an address is soon free after a guest vanished.
    last = min(int(subnet.broadcast_address) - 1, int(subnet.network_address) + LARGEST_RANGE)
    addresses = _add(dhcp, "range", start=str(subnet[1]), end=str(subnet[last - int(subnet.network_address)]))
    _add(addresses, "lease", expiry="2", unit="minutes")
    options = etree.SubElement(network, f"{{{DNSMASQ}}}options")
    values = [f"dhcp-hostsfile={hosts}", "dhcp-ignore=tag:!known"]
    if nic.dns:
        values.append(f"dhcp-option=option:dns-server,{','.join(nic.dns)}")
    for value in values:
        etree.SubElement(options, f"{{{DNSMASQ}}}option", {"value": value})
    etree.indent(network)
    return etree.tostring(network, encoding="unicode")


class Networks:
    """The networks of one host."""

    def __init__(self, layout: Layout, connection: Connection) -> None:
        self._layout = layout
        self._connection = connection
        self._locks: dict[str, asyncio.Lock] = {}

    async def attach(self, nics: Iterable[Nic]) -> None:
        """Have every card's network, and an address for it there. Raises HypervisorError, OSError."""
        for nic in nics:
            async with self._lock(nic):
                directory = self._directory(nic)
                directory.mkdir(exist_ok=True)
                line, path = f"{nic.mac},{nic.address}\n", directory / _file_name(nic)
                is_new = not path.exists() or path.read_text() != line
                if is_new:
                    part = directory / f".{path.name}"  # dnsmasq skips names with a dot in front
                    part.write_text(line)
                    part.replace(path)
                if await self._is_up(nic):
                    if is_new:
                        self._reread(nic)
                else:
                    await self._connection.call(lambda c, nic=nic: self._create(c, nic))  # type: ignore[misc]

    async def detach(self, nics: Iterable[Nic]) -> None:
        """Release the cards' addresses, and take down networks in which no card is left. Raises HypervisorError, OSError."""
        for nic in nics:
            async with self._lock(nic):
                directory = self._directory(nic)
                if not directory.is_dir():
                    continue
                # A lease that lives on would keep the address from the next card that is given it.
                with contextlib.suppress(OSError):
                    release_lease(bridge_name(nic.network_id), nic)
                (directory / _file_name(nic)).unlink(missing_ok=True)
                if any(not entry.name.startswith(".") for entry in directory.iterdir()):
                    self._reread(nic)
                    continue
                await self._connection.call(lambda c, nic=nic: _destroy(c, nic))  # type: ignore[misc]
                for rest in directory.iterdir():
                    rest.unlink()
                directory.rmdir()

    async def _is_up(self, nic: Nic) -> bool:
        def look(connection: Any) -> bool:
            network = _find(connection, nic)
            if network is None:
                return False
            if network.isActive() and (Path("/sys/class/net") / bridge_name(nic.network_id)).exists():
                return True
            _destroy(connection, nic)  # somebody has removed the bridge behind libvirt's back
            return False

        return await self._connection.call(look)

    def _create(self, connection: Any, nic: Nic) -> None:
        hosts = self._layout.inside(self._directory(nic))
        try:
            connection.networkCreateXML(network_xml(nic, hosts, "nat"))
        except libvirt.libvirtError as error:
            message = error.get_error_message() or ""
            if not any(word in message for word in FIREWALL_TROUBLE):
                raise
            log.warning(
                "network %s: guests reach this host only, as address translation cannot be set up: %s",
                nic.cidr,
                message,
            )
            connection.networkCreateXML(network_xml(nic, hosts, "open"))

    def _reread(self, nic: Nic) -> None:
        """Have dnsmasq read the lines again."""
        pid_file = self._layout.run / "libvirt" / "network" / f"{network_name(nic.network_id)}.pid"
        try:
            pid = int(pid_file.read_text())
            handle = os.pidfd_open(pid)
        except (OSError, ValueError):
            return  # it does not run, and reads them when it starts
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == "dnsmasq":
                signal.pidfd_send_signal(handle, signal.SIGHUP)
        except OSError:
            return
        finally:
            os.close(handle)

    def _directory(self, nic: Nic) -> Path:
        return self._layout.networks / bridge_name(nic.network_id)

    def _lock(self, nic: Nic) -> asyncio.Lock:
        return self._locks.setdefault(nic.network_id, asyncio.Lock())


def _find(connection: Any, nic: Nic) -> Any | None:
    try:
        return connection.networkLookupByName(network_name(nic.network_id))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
            return None
        raise


def _destroy(connection: Any, nic: Nic) -> None:
    network = _find(connection, nic)
    if network is not None and network.isActive():
        network.destroy()


def _file_name(nic: Nic) -> str:
    return nic.mac.replace(":", "-")


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element
