"""Networks where address translation does not work, and what dnsmasq is told."""

from pathlib import Path
from typing import Any

import libvirt
import pytest

from services.compute.libvirt.layout import Layout
from services.compute.libvirt.networks import Networks
from tests.unit.compute.libvirt.guests import NIC, libvirt_error


class Daemon:
    """A libvirt that refuses some networks."""

    def __init__(self, refused: str = "none", complaint: str = "") -> None:
        self._refused = refused
        self._complaint = complaint
        self.made: list[str] = []

    def networkCreateXML(self, xml: str) -> None:  # noqa: N802 -- libvirt's name
        if f'mode="{self._refused}"' in xml:
            raise libvirt_error(1, self._complaint)
        self.made.append(xml)

    def networkLookupByName(self, _name: str) -> Any:  # noqa: N802 -- libvirt's name
        raise libvirt_error(libvirt.VIR_ERR_NO_NETWORK, "no network")


class Connection:
    """A connection to it."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def call(self, work: Any) -> Any:
        return work(self._daemon)


def networks(daemon: Daemon, tmp_path: Path) -> Networks:
    layout = Layout(tmp_path)
    layout.networks.mkdir(parents=True)
    return Networks(layout, Connection(daemon))  # type: ignore[arg-type]


async def test_a_network_is_made_without_translation_where_the_firewall_has_none_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon("nat", "Failed to run firewall command iptables -w --table nat: No chain by that name")

    await networks(daemon, tmp_path).attach([NIC])

    assert ['mode="open"' in made for made in daemon.made] == [True]
    assert "guests reach this host only" in caplog.text


async def test_another_failure_is_one(tmp_path: Path) -> None:
    daemon = Daemon("nat", "Network is already in use by interface eth0")

    with pytest.raises(libvirt.libvirtError):
        await networks(daemon, tmp_path).attach([NIC])

    assert daemon.made == []


async def test_a_card_is_known_to_its_networks_dhcp_server_by_a_file_of_its_own(tmp_path: Path) -> None:
    hosts = networks(Daemon(), tmp_path)

    await hosts.attach([NIC])

    (directory,) = Layout(tmp_path).networks.iterdir()
    assert [(path.name, path.read_text()) for path in directory.iterdir()] == [
        ("52-54-00-3a-7b-21", "52:54:00:3a:7b:21,10.80.0.7\n")
    ]
    await hosts.detach([NIC])
    assert not directory.exists()
