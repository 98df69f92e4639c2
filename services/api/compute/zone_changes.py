"""What keeps a host from changing its availability zone: instances on it were promised the one that it is in."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy import func as sql

from projections.tables import host_zones, instances
from services.api.call import Call
from services.api.errors import Refusal


async def require_no_instances(call: Call, hosts: Sequence[str], what: str, *, status: int = 400) -> None:
    """Pass when no instance lives on any of the hosts. Raises Refusal."""

    def inhabited(connection: Connection) -> bool:
        living = select(instances.c.id).where(instances.c.host.in_(hosts), instances.c.deleted.is_(False))
        return connection.execute(living.limit(1)).first() is not None

    if len(hosts) and await call.dependencies.reads.query(inhabited):
        raise Refusal(status, f"{what}. Reason: One or more hosts contain instances in this zone.")


async def zone_of(call: Call, host: str) -> str | None:
    """The zone that an operator has put a host into."""
    own = select(sql.min(host_zones.c.zone)).where(host_zones.c.host == host)
    return await call.dependencies.reads.query(lambda connection: connection.execute(own).scalar())
