"""Hosts in the read model, as hypervisors and services find them: by UUID, or by number before 2.53."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, select

from projections.tables import hosts
from services.api.call import Call
from services.api.compute.microversions import exists

HOSTS: Select[Any] = select(hosts).order_by(hosts.c.created_position)


async def all_hosts(call: Call) -> Sequence[RowMapping]:
    """Every host, oldest first."""
    return await call.dependencies.reads.query(lambda connection: connection.execute(HOSTS).mappings().all())


async def host_by_id(call: Call, host_id: str) -> RowMapping | None:
    """The host with an id; None when there is none."""
    if exists("hypervisor.id is a uuid", call.version):
        one = HOSTS.where(hosts.c.id == host_id)
    elif host_id.isdecimal() and len(host_id) < 19:  # noqa: PLR2004 -- more is no position of any log
        one = HOSTS.where(hosts.c.created_position == int(host_id))
    else:
        return None
    return await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())


def id_of(row: RowMapping, call: Call) -> str | int:
    """The host's id, as this microversion has it."""
    number: int = row["created_position"]
    uuid: str = row["id"]
    return uuid if exists("hypervisor.id is a uuid", call.version) else number
