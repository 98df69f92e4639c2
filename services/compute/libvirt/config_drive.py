"""The config drive: a small read-only disk from which the guest learns who it is, in OpenStack's layout.

Source: Nova's user documentation, "Metadata" and "Config drives"; what cloud-init reads (`config-2`).
"""

import base64
import binascii
import io
import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from pycdlib import PyCdlib

from domain.instance.desired import GuestSpec, Nic
from services.compute.hypervisor import HypervisorError

FILE = "config.iso"
LABEL = "config-2"
VERSIONS = ("latest", "2018-08-27")


def config_drive(spec: GuestSpec) -> bytes:
    """The drive: an ISO 9660 image. Raises HypervisorError when the user data is not base64."""
    drive = PyCdlib()
    drive.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    try:
        drive.add_directory("/OPENSTACK", rr_name="openstack", joliet_path="/openstack")
        files = contents(spec)
        for version in VERSIONS:
            directory = _plain(version)
            drive.add_directory(f"/OPENSTACK/{directory}", rr_name=version, joliet_path=f"/openstack/{version}")
            for name, content in files.items():
                drive.add_fp(
                    io.BytesIO(content),
                    len(content),
                    f"/OPENSTACK/{directory}/{_plain(name)}.;1",
                    rr_name=name,
                    joliet_path=f"/openstack/{version}/{name}",
                )
        image = io.BytesIO()
        drive.write_fp(image)
    finally:
        drive.close()
    return image.getvalue()


def contents(spec: GuestSpec) -> dict[str, bytes]:
    """File name → content. Raises HypervisorError when the user data is not base64."""
    files = {
        "meta_data.json": _json(meta_data(spec)),
        "network_data.json": _json(network_data(spec)),
        "vendor_data.json": _json({}),
        "vendor_data2.json": _json({}),
    }
    if spec.user_data is not None:
        try:
            files["user_data"] = base64.b64decode(spec.user_data, validate=True)
        except binascii.Error as error:
            raise HypervisorError("The user data is not base64.") from error
    return files


def meta_data(spec: GuestSpec) -> dict[str, Any]:
    """Who the guest is, and who may log in."""
    document: dict[str, Any] = {
        "uuid": spec.id,
        "name": spec.name,
        "hostname": spec.hostname,
        "project_id": spec.project_id,
        "launch_index": 0,
        "availability_zone": "nova",
        "public_keys": dict(spec.public_keys),
        "keys": [{"name": name, "type": "ssh", "data": key} for name, key in spec.public_keys.items()],
        "meta": dict(spec.metadata),
        "devices": [],
        "dedicated_cpus": [],
    }
    if spec.admin_password is not None:
        document["admin_pass"] = spec.admin_password
    return document


def network_data(spec: GuestSpec) -> dict[str, Any]:
    """Which network cards the guest has. Addresses come by DHCP, which gives each card the one that was chosen for it."""
    servers = dict.fromkeys(server for nic in spec.nics for server in nic.dns)
    return {
        "links": [_link(nic) for nic in spec.nics],
        "networks": [_network(index, nic) for index, nic in enumerate(spec.nics)],
        "services": [{"type": "dns", "address": server} for server in servers],
    }


def _link(nic: Nic) -> dict[str, Any]:
    return {
        "id": _link_id(nic),
        "vif_id": nic.port_id,
        "type": "bridge",
        "mtu": nic.mtu,
        "ethernet_mac_address": nic.mac,
    }


def _network(index: int, nic: Nic) -> dict[str, Any]:
    return {
        "id": f"network{index}",
        "type": "ipv4_dhcp",
        "link": _link_id(nic),
        "network_id": nic.network_id,
        "ip_address": nic.address,
        "netmask": str(IPv4Network(nic.cidr).netmask),
    }


def _link_id(nic: Nic) -> str:
    return f"tap{nic.port_id[:11]}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _plain(name: str) -> str:
    """A name as plain ISO 9660 has it, beside the real one."""
    return name.upper().replace(".", "_").replace("-", "_")
