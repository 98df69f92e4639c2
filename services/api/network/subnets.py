"""Subnets: IPv4, one a network. Source: networking API reference v2.0, "Subnets"."""

from functools import partial
from ipaddress import IPv4Network
from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from domain.network.network import Network, subnet_of
from domain.network.subnet import change_subnet, create_subnet, delete_subnet
from projections.tables import subnets
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.network import rows
from services.api.network.asked import OWNED, Resource, only, project_of
from services.api.network.lists import listing, one
from services.api.network.resources import subnet_body

ADDRESS = {"type": "string", "format": "ipv4"}
POOL = {
    "type": "object",
    "properties": {"start": ADDRESS, "end": ADDRESS},
    "required": ["start", "end"],
    "additionalProperties": False,
}
SUBNET = Resource(
    "subnet",
    {
        **OWNED,
        "network_id": {"type": "string"},
        "cidr": {"type": ["string", "null"], "maxLength": 64},
        "ip_version": {"enum": [4, 6, "4", "6"]},
        "gateway_ip": {"type": ["string", "null"], "maxLength": 64},
        "allocation_pools": {"type": "array", "items": POOL, "maxItems": 64},
        "dns_nameservers": {"type": "array", "items": ADDRESS, "maxItems": 5},
        "host_routes": {"type": "array"},
        "enable_dhcp": {"type": "boolean"},
        "subnetpool_id": only(None),
        "use_default_subnetpool": only(False),
        "prefixlen": only(None),
        "ipv6_address_mode": only(None),
        "ipv6_ra_mode": only(None),
        "segment_id": only(None),
        "service_types": only([]),
    },
    update=(
        "name",
        "description",
        "gateway_ip",
        "allocation_pools",
        "dns_nameservers",
        "host_routes",
        "enable_dhcp",
    ),
    required=("network_id", "cidr"),
)
CHANGEABLE = {
    "name": "name",
    "description": "description",
    "gateway_ip": "gateway",
    "allocation_pools": "pools",
    "dns_nameservers": "dns",
}
"""What can be changed: by its name for clients, what it is called in the domain."""


async def list_subnets(call: Call) -> Response:
    """200."""
    return listing(call, "subnets", [subnet_body(row) for row in await rows.rows_of(call, rows.seen_subnets(call))])


async def show_subnet(call: Call) -> Response:
    """200; 404."""
    return one(call, "subnet", subnet_body(await rows.subnet(call, call.path["id"])))


async def create(call: Call) -> Response:
    """201; 400 also for a subnet that overlaps another; 403; 404 without its network; 409 when the network has one."""
    asked = await SUBNET.new(call)
    project_of(call, asked)
    _refuse_what_hosts_cannot_do(asked)
    row = rows.require_own(call, await rows.network(call, asked["network_id"]), "create_subnet")
    cidr = _whole(asked["cidr"])
    await _require_apart(call, cidr, row["id"])
    subnet_id = call.dependencies.new_id()
    decide = partial(
        create_subnet,
        subnet_id=subnet_id,
        cidr=str(cidr),
        name=asked.get("name", ""),
        description=asked.get("description", ""),
        gateway=asked.get("gateway_ip"),
        pools=asked.get("allocation_pools"),
        dns=asked.get("dns_nameservers", ()),
        at=call.dependencies.clock(),
    )
    saved = await call.dependencies.commands.execute(Network, row["id"], decide, call.author)
    return answer({"subnet": subnet_body(await rows.subnet(call, subnet_id))}, 201, position=saved.position)


async def update(call: Call) -> Response:
    """200; 400; 403; 404; 409 for another gateway while addresses are given."""
    row = rows.require_own(call, await rows.subnet(call, call.path["id"]), "update_subnet")
    asked = await SUBNET.changes(call)
    _refuse_what_hosts_cannot_do(asked)
    changes = {CHANGEABLE[name]: asked[name] for name in CHANGEABLE if name in asked}
    decide = partial(change_subnet, changes=changes, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["network_id"], decide, call.author)
    return answer({"subnet": subnet_body(await rows.subnet(call, row["id"]))}, position=saved.position)


async def delete(call: Call) -> Response:
    """204; 403; 404; 409 while ports have addresses of it."""
    row = rows.require_own(call, await rows.subnet(call, call.path["id"]), "delete_subnet")
    decide = partial(delete_subnet, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["network_id"], decide, call.author)
    return empty(204, position=saved.position)


def _refuse_what_hosts_cannot_do(asked: dict[str, Any]) -> None:
    """What would be accepted and not done is refused. Raises Refusal 400."""
    refused = {
        "ip_version": (str(asked.get("ip_version", 4)) != "4", "subnets are IPv4 only"),
        "gateway_ip": ("gateway_ip" in asked and asked["gateway_ip"] is None, "every subnet has a gateway"),
        "host_routes": (bool(asked.get("host_routes")), "routes are not given to guests"),
        "enable_dhcp": (not asked.get("enable_dhcp", True), "every subnet has DHCP"),
    }
    for name, (matters, why) in refused.items():
        if matters:
            raise Refusal(400, f"Invalid input for {name}. Reason: in this cloud {why}.", kind="InvalidInput")


def _whole(cidr: str) -> IPv4Network:
    """`10.0.0.7/24` stands for 10.0.0.0/24. Raises Refusal 400, Invalid."""
    try:
        whole = str(IPv4Network(cidr, strict=False))
    except ValueError:
        raise Refusal(400, f"Invalid input for cidr. Reason: '{cidr}' is not a valid IP subnet.") from None
    return subnet_of(whole)


async def _require_apart(call: Call, cidr: IPv4Network, network_id: str) -> None:
    """No two subnets may overlap, whoever has them: a host routes to all of them. Raises Refusal 400.

    Two requests at the same moment can both pass. Then a host that is to have both refuses the second, and says so.
    """
    known = await rows.rows_of(call, select(subnets.c.cidr))
    if any(cidr.overlaps(IPv4Network(row["cidr"])) for row in known):
        sentence = f"Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet."
        raise Refusal(400, f"Invalid input for operation: {sentence}", kind="InvalidInput")
