"""Hosts in the read model, as hypervisors and services find them: by UUID, or by number before 2.53."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, func, select

from domain.placement.hosts import DEFAULT_ZONE
from projections.tables import host_zones, hosts
from services.api.call import Call
from services.api.compute.microversions import exists

ZONED: Select[Any] = select(
    hosts,
    select(func.min(host_zones.c.zone)).where(host_zones.c.host == hosts.c.name).scalar_subquery().label("own_zone"),
).order_by(hosts.c.created_position)
"""Hosts, each with the zone that an operator has put it into."""


def zone_of_host(row: RowMapping) -> str:
    """The availability zone that a host is in."""
    return row["own_zone"] or DEFAULT_ZONE


def state_of(row: RowMapping) -> str:
    """Whether a host counts as running: it is heard from, and nobody says otherwise."""
    return "up" if row["up"] and not row["forced_down"] else "down"


async def all_hosts(call: Call) -> Sequence[RowMapping]:
    """Every host, oldest first."""
    return await call.dependencies.reads.query(lambda connection: connection.execute(ZONED).mappings().all())


async def host_by_id(call: Call, host_id: str) -> RowMapping | None:
    """The host with an id; None when there is none."""
    if exists("hypervisor.id is a uuid", call.version):
        one = ZONED.where(hosts.c.id == host_id)
    elif host_id.isdecimal() and len(host_id) < 19:  # noqa: PLR2004 -- more is no position of any log
        one = ZONED.where(hosts.c.created_position == int(host_id))
    else:
        return None
    return await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())


def id_of(row: RowMapping, call: Call) -> str | int:
    """The host's id, as this microversion has it."""
    number: int = row["created_position"]
    uuid: str = row["id"]
    return uuid if exists("hypervisor.id is a uuid", call.version) else number
