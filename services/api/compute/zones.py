"""Availability zones: one, that holds all hosts. Source: compute API reference, "Availability zones"."""

from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.compute_services import BINARY
from services.api.compute.host_rows import all_hosts
from services.api.compute.links import micro
from services.api.compute.server_fields import ZONE


async def list_zones(call: Call) -> Response:
    """200."""
    rows = await all_hosts(call)
    available = any(row["up"] and row["enabled"] for row in rows)
    return _zones(available=available, hosts=None)


async def list_zones_detailed(call: Call) -> Response:
    """200, with the hosts of each zone."""
    rows = await all_hosts(call)
    hosts = {
        row["name"]: {
            BINARY: {"available": row["up"], "active": row["enabled"], "updated_at": micro(row["updated_at"])}
        }
        for row in rows
    }
    return _zones(available=any(row["up"] and row["enabled"] for row in rows), hosts=hosts)


def _zones(*, available: bool, hosts: dict[str, Any] | None) -> Response:
    zone = {"zoneName": ZONE, "zoneState": {"available": available}, "hosts": hosts}
    return answer({"availabilityZoneInfo": [zone]})
