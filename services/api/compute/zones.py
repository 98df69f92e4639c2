"""Availability zones: those that host aggregates make, and one for all other hosts. Source: compute API reference."""

from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.compute_services import BINARY
from services.api.compute.host_rows import ZONED, zone_of_host
from services.api.compute.links import micro


async def list_zones(call: Call) -> Response:
    """200."""
    zones = await call.dependencies.reads.query(_by_zone)
    return answer({"availabilityZoneInfo": [_zone(name, rows, hosts=None) for name, rows in sorted(zones.items())]})


async def list_zones_detailed(call: Call) -> Response:
    """200, with the hosts of each zone."""
    zones = await call.dependencies.reads.query(_by_zone)
    found = [_zone(name, rows, hosts=_hosts(rows)) for name, rows in sorted(zones.items())]
    return answer({"availabilityZoneInfo": found})


def _by_zone(connection: Connection) -> dict[str, list[RowMapping]]:
    zones: dict[str, list[RowMapping]] = {}
    for row in connection.execute(ZONED).mappings():
        zones.setdefault(zone_of_host(row), []).append(row)
    return zones


def _hosts(rows: list[RowMapping]) -> dict[str, Any]:
    return {
        row["name"]: {
            BINARY: {
                "available": row["up"] and not row["forced_down"],
                "active": row["enabled"],
                "updated_at": micro(row["updated_at"]),
            }
        }
        for row in rows
    }


def _zone(name: str, rows: list[RowMapping], *, hosts: dict[str, Any] | None) -> dict[str, Any]:
    available = any(row["up"] and not row["forced_down"] and row["enabled"] for row in rows)
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": hosts}
