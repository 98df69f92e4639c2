"""The guest as libvirt is told of it: typed parts in, domain XML out. Source: libvirt's domain XML format.

What a user chose as text (a name, metadata) is not in it: ids, numbers and our own paths only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from lxml import etree

from services.compute.libvirt.accelerator import Accelerator

OURS = "urn:chronova:instance:1"
"""The namespace of the metadata by which the driver knows the domains that it made."""

NAME = "chronova-{}"
TRANSLATION_CACHE_MIB = 128
CPU_MODE = {Accelerator.KVM: "host-passthrough", Accelerator.QEMU: "maximum"}  # each fails with the other


@dataclass(frozen=True, slots=True)
class DomainNic:
    """A network card."""

    mac: str
    network: str  # libvirt's name of it


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """A guest. Paths are as QEMU sees them."""

    id: str
    accelerator: Accelerator
    vcpus: int
    memory_mib: int
    disk: Path  # qcow2
    config_drive: Path  # raw
    console: Path
    nics: Sequence[DomainNic]


def domain_xml(spec: DomainSpec) -> str:
    """The domain's XML."""
    domain = etree.Element("domain", {"type": str(spec.accelerator)})
    _add(domain, "name", NAME.format(spec.id))
    _add(domain, "uuid", spec.id)
    etree.SubElement(_add(domain, "metadata"), f"{{{OURS}}}instance", {"id": spec.id}, nsmap={"chronova": OURS})
    _add(domain, "memory", str(spec.memory_mib), unit="MiB")
    _add(domain, "vcpu", str(spec.vcpus))
    system = _add(domain, "os")
    _add(system, "type", "hvm", arch="x86_64", machine="pc")
    _add(system, "boot", dev="hd")
    features = _add(domain, "features")
    _add(features, "acpi")
    _add(features, "apic")
    if spec.accelerator is Accelerator.QEMU:
        # Translated code may fill a gigabyte a guest by default, memory that nobody has accounted for.
        _add(_add(features, "tcg"), "tb-cache", str(TRANSLATION_CACHE_MIB), unit="MiB")
    _add(domain, "cpu", mode=CPU_MODE[spec.accelerator])
    _add(domain, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _add(domain, f"on_{event}", action)
    _add_devices(_add(domain, "devices"), spec)
    etree.indent(domain)
    return etree.tostring(domain, encoding="unicode")


def _add_devices(devices: etree._Element, spec: DomainSpec) -> None:
    disk = _add_disk(devices, spec.disk, "vda", type="qcow2", cache="writeback", discard="unmap")
    _add(disk, "serial", UUID(spec.id).hex[:20])  # virtio-blk holds 20 bytes
    _add(_add_disk(devices, spec.config_drive, "vdz", type="raw"), "readonly")
    for nic in spec.nics:
        _add_interface(devices, nic)
    _add(devices, "controller", type="usb", model="none")
    serial = _add(devices, "serial", type="pty")
    _add(serial, "log", file=str(spec.console), append="on")
    _add(serial, "target", port="0")
    _add(_add(devices, "graphics", type="vnc"), "listen", type="socket")
    _add(_add(devices, "video"), "model", type="vga")
    _add(_add(devices, "rng", model="virtio"), "backend", "/dev/urandom", model="random")
    _add(_add(devices, "memballoon", model="virtio"), "stats", period="10")


def interface_xml(nic: DomainNic) -> str:
    """One network card by itself, as it is plugged into a guest that is there."""
    return etree.tostring(_add_interface(etree.Element("devices"), nic), encoding="unicode")


def _add_interface(devices: etree._Element, nic: DomainNic) -> etree._Element:
    interface = _add(devices, "interface", type="network")
    _add(interface, "mac", address=nic.mac)
    _add(interface, "source", network=nic.network)
    _add(interface, "model", type="virtio")
    return interface


def _add_disk(devices: etree._Element, path: Path, target: str, **driver: str) -> etree._Element:
    disk = _add(devices, "disk", type="file", device="disk")
    _add(disk, "driver", name="qemu", **driver)
    _add(disk, "source", file=str(path))
    _add(disk, "target", dev=target, bus="virtio")
    return disk


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element
