"""Networks. Source: networking API reference v2.0, "Networks"."""

from functools import partial

from sqlalchemy import select
from starlette.responses import Response

from domain.network.network import Network, change_network, create_empty_network, delete_network
from projections.tables import instances, ports
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.network import rows
from services.api.network.asked import OWNED, Resource, only, project_of
from services.api.network.lists import listing, one
from services.api.network.resources import network_body

NETWORK = Resource(
    "network",
    {
        **OWNED,
        "shared": {"type": "boolean"},
        "mtu": {"type": "integer", "minimum": 576, "maximum": 9216},
        "admin_state_up": only(True),
        "router:external": only(False),
        "is_default": only(False),
        "port_security_enabled": only(False),
        "availability_zone_hints": only([]),
    },
    update=("name", "description", "shared", "mtu", "admin_state_up", "router:external", "port_security_enabled"),
)
CHANGEABLE = ("name", "description", "shared", "mtu")


async def list_networks(call: Call) -> Response:
    """200: the caller's project's and the shared ones; every field is a filter."""
    return listing(call, "networks", [network_body(row) for row in await rows.rows_of(call, rows.seen_networks(call))])


async def show_network(call: Call) -> Response:
    """200; 404."""
    return one(call, "network", network_body(await rows.network(call, call.path["id"])))


async def create(call: Call) -> Response:
    """201; 400; 403."""
    asked = await NETWORK.new(call)
    project_id = project_of(call, asked)
    if asked.get("shared"):
        call.require("create_network:shared")
    network = create_empty_network(
        call.dependencies.new_id(),
        project_id=project_id,
        name=asked.get("name", ""),
        description=asked.get("description", ""),
        shared=asked.get("shared", False),
        mtu=asked.get("mtu", 1500),
        at=call.dependencies.clock(),
    )
    saved = await call.dependencies.commands.create(network, call.author)
    return answer({"network": network_body(await rows.network(call, network.id))}, 201, position=saved.position)


async def update(call: Call) -> Response:
    """200; 400; 403; 404; 409 when others would lose a network that they use."""
    row = rows.require_own(call, await rows.network(call, call.path["id"]), "update_network")
    asked = await NETWORK.changes(call)
    if asked.get("shared", row["shared"]) != row["shared"]:
        call.require("update_network:shared")
        if not asked["shared"]:
            await _require_no_strangers(call, row["id"], row["project_id"])
    changes = {name: asked[name] for name in CHANGEABLE if name in asked}
    decide = partial(change_network, changes=changes, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["id"], decide, call.author)
    return answer({"network": network_body(await rows.network(call, row["id"]))}, position=saved.position)


async def _require_no_strangers(call: Call, network_id: str, project_id: str) -> None:
    strangers = (
        select(ports.c.id)
        .outerjoin(instances, instances.c.id == ports.c.instance_id)
        .where(ports.c.network_id == network_id, rows.port_project != project_id)
        .limit(1)
    )
    if await rows.rows_of(call, strangers):
        sentence = f"Unable to reconfigure sharing settings for network {network_id}. Multiple tenants are using it."
        raise Refusal(409, sentence)


async def delete(call: Call) -> Response:
    """204; 403; 404; 409 while it has ports."""
    row = rows.require_own(call, await rows.network(call, call.path["id"]), "delete_network")
    decide = partial(delete_network, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["id"], decide, call.author)
    return empty(204, position=saved.position)
