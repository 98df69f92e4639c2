"""A guest to describe."""

import libvirt

from domain.instance.desired import GuestSpec, ImageSource, Nic

ID = "6c0f7b46-13c5-4b0a-9a34-0f2a5c1f0d11"
NIC = Nic(
    port_id="1d2f9a30-52b4-4f1b-8f6d-0f3f0c3a7b21",
    network_id="8a5f3c9e-77d1-4f57-b6a0-2f1f4f0e9c31",
    mac="52:54:00:3a:7b:21",
    address="10.80.0.7",
    cidr="10.80.0.0/24",
    gateway="10.80.0.1",
)
GUEST = GuestSpec(
    id=ID,
    name="Web <1> & friends",
    hostname="web-1",
    project_id="demo",
    vcpus=2,
    memory_mib=256,
    disk_gib=1,
    image=ImageSource(id="i", disk_format="qcow2", size=1, checksum="", url=""),
    nics=(NIC,),
    public_keys={"laptop": "ssh-ed25519 AAAA me@laptop"},
    metadata={"role": "web"},
)


def libvirt_error(code: int, text: str) -> libvirt.libvirtError:
    """An error as libvirt's binding raises it."""
    error = libvirt.libvirtError(text)
    error.err = (code, 0, text, 2, "", None, None, 0, 0)
    return error
