"""`GET /servers/{id}/diagnostics`: figures of a running guest. Source: compute API reference, "Show Server Diagnostics"."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.errors import IllegalInState
from domain.instance.state import PowerState
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.microversions import exists
from services.api.compute.server_rows import visible
from services.api.errors import Refusal

DRIVER = "libvirt"
"""Clients know four words for it. Which hypervisor it is stands beside it; a simulated one stands in for libvirt's."""


async def show_diagnostics(call: Call) -> Response:
    """200; 404; 409 for a server that does not run; 503 when its host does not answer."""
    row = await visible(call, call.path["id"])
    if row["host"] is None:
        raise Refusal(409, f"Instance {row['id']} is not ready")
    power = PowerState(row["power_state"])
    if power is not PowerState.RUNNING:
        raise IllegalInState("get_diagnostics", row["id"], "power state", power.name.lower())
    try:
        figures = await call.dependencies.diagnostics(row["host"], row["id"])
    except TimeoutError:
        raise Refusal(
            503,
            f"The host of instance {row['id']} does not answer, so it cannot be asked for figures now. Try again later.",
        ) from None
    if not exists("diagnostics.standard form", call.version):
        return answer(_flat(figures))
    launched = row["launched_at"]
    uptime = None if launched is None else int((call.dependencies.clock() - launched).total_seconds())
    return answer(_standard(figures, row, uptime))


def _standard(figures: Mapping[str, Any], row: RowMapping, uptime: int | None) -> dict[str, Any]:
    return {
        "state": "running",
        "driver": DRIVER,
        "hypervisor": figures["hypervisor"],
        "hypervisor_os": "linux",
        "uptime": uptime,
        "config_drive": row["config_drive"],
        "num_cpus": len(figures["cpus"]),
        "num_nics": len(figures["nics"]),
        "num_disks": len(figures["disks"]),
        "disk_details": [
            {
                "read_bytes": disk["read_bytes"],
                "read_requests": disk["read_requests"],
                "write_bytes": disk["write_bytes"],
                "write_requests": disk["write_requests"],
                "errors_count": None,  # nobody counts them
            }
            for disk in figures["disks"]
        ],
        "cpu_details": [
            {"id": number, "time": cpu["time"], "utilisation": None} for number, cpu in enumerate(figures["cpus"])
        ],
        "nic_details": [
            {
                "mac_address": nic["mac"],
                **{name: nic[name] for name in NIC_FIGURES},
                "rx_rate": None,
                "tx_rate": None,
            }
            for nic in figures["nics"]
        ],
        "memory_details": {"maximum": figures["memory_maximum"], "used": figures["memory_used"]},
    }


NIC_FIGURES = (
    "rx_octets", "rx_errors", "rx_drop", "rx_packets", "tx_octets", "tx_errors", "tx_drop", "tx_packets",
)  # fmt: skip


def _flat(figures: Mapping[str, Any]) -> dict[str, int]:
    """Before 2.48 each hypervisor had names of its own: these are those that libvirt's had, memory in KiB."""
    flat = {f"cpu{number}_time": cpu["time"] for number, cpu in enumerate(figures["cpus"])}
    for disk in figures["disks"]:
        flat |= {
            f"{disk['device']}_read_req": disk["read_requests"],
            f"{disk['device']}_read": disk["read_bytes"],
            f"{disk['device']}_write_req": disk["write_requests"],
            f"{disk['device']}_write": disk["write_bytes"],
        }
    for number, nic in enumerate(figures["nics"]):
        flat |= {
            f"vnet{number}_{way}{end}": nic[f"{way}_{name}"]
            for way in ("rx", "tx")
            for end, name in (("", "octets"), ("_packets", "packets"), ("_errors", "errors"), ("_drop", "drop"))
        }
    return flat | {"memory": figures["memory_maximum"] * 1024, "memory-rss": figures["memory_used"] * 1024}
