"""What libvirt is told of a guest and of a network."""

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.networks import network_xml
from services.compute.libvirt.xml import DomainNic, DomainSpec, domain_xml
from tests.unit.compute.libvirt.golden import assert_golden
from tests.unit.compute.libvirt.guests import ID, NIC

HOME = Path("/var/lib/libvirt/chronova/instances") / ID
SPEC = DomainSpec(
    id=ID,
    accelerator=Accelerator.QEMU,
    vcpus=2,
    memory_mib=256,
    disk=HOME / "disk.qcow2",
    config_drive=HOME / "config.iso",
    console=HOME / "console.log",
    nics=[DomainNic(NIC.mac, "chronova-net")],
)
HOSTS = Path("/var/lib/libvirt/chronova/networks/chr-0")


@pytest.mark.parametrize("accelerator", list(Accelerator))
def test_a_guest_is_described(accelerator: Accelerator) -> None:
    assert_golden(f"domain-{accelerator}.xml", domain_xml(replace(SPEC, accelerator=accelerator)))


def test_a_guest_may_have_no_card_or_several() -> None:
    for nics in ([], [DomainNic("52:54:00:00:00:01", "a"), DomainNic("52:54:00:00:00:02", "b")]):
        described = etree.fromstring(domain_xml(replace(SPEC, nics=nics)))
        assert [card.get("address") for card in described.findall("devices/interface/mac")] == [nic.mac for nic in nics]


def test_a_network_is_described() -> None:
    assert_golden("network-nat.xml", network_xml(NIC, HOSTS, "nat"))


def test_a_network_may_have_name_servers_and_frames_of_its_own() -> None:
    nic = replace(NIC, dns=("9.9.9.9", "1.1.1.1"), mtu=1400)
    assert_golden("network-open.xml", network_xml(nic, HOSTS, "open"))


@pytest.mark.parametrize(
    ("cidr", "first", "last"),
    [
        ("10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
        ("10.80.0.0/24", "10.80.0.1", "10.80.0.254"),
        ("10.1.0.0/16", "10.1.0.1", "10.1.255.254"),
        ("10.0.0.0/8", "10.0.0.1", "10.0.255.255"),
    ],
)
def test_a_networks_range_is_all_that_libvirt_allows(cidr: str, first: str, last: str) -> None:
    described = etree.fromstring(network_xml(replace(NIC, cidr=cidr, gateway=first), HOSTS, "nat"))
    addresses = described.find("ip/dhcp/range")
    assert addresses is not None
    assert (addresses.get("start"), addresses.get("end")) == (first, last)
