"""What this cloud has none of: floating IPs, routers, agents. Lists are empty, and nothing can be made."""

from collections.abc import Mapping

from starlette.responses import Response

from services.api.call import Call
from services.api.errors import Refusal
from services.api.network import rows
from services.api.network.asked import NAME, PROJECT, Resource
from services.api.network.dialect import Missing
from services.api.network.lists import listing

KINDS: Mapping[str, str] = {"floatingips": "Floating IP", "routers": "Router", "agents": "Agent"}
"""Collections that are empty, and what one of them is called."""

FLOATING_IP = Resource(
    "floatingip",
    {
        "project_id": PROJECT,
        "tenant_id": PROJECT,
        "floating_network_id": {"type": "string"},
        "floating_ip_address": {"type": ["string", "null"]},
        "subnet_id": {"type": ["string", "null"]},
        "port_id": {"type": ["string", "null"]},
        "fixed_ip_address": {"type": ["string", "null"]},
        "qos_policy_id": {"type": ["string", "null"]},
        "description": NAME,
    },
    update=("port_id",),
    required=("floating_network_id",),
)


def _collection(call: Call) -> str:
    return call.request.url.path.split("/v2.0/")[1].split("/")[0].removesuffix(".json")


async def list_none(call: Call) -> Response:
    """200: none."""
    return listing(call, _collection(call), [])


async def missing(call: Call) -> Response:
    """404."""
    raise Missing(KINDS[_collection(call)], call.path["id"])


async def create_floating_ip(call: Call) -> Response:
    """404 for a network that is not there, 400 for one that is: none of them is external."""
    asked = await FLOATING_IP.new(call)
    row = await rows.network(call, asked["floating_network_id"])
    raise Refusal(
        400, f"Bad floatingip request: Network {row['id']} is not a valid external network", kind="BadRequest"
    )


async def create_router(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501."""
    raise Refusal(501, "This cloud has no routers: instances reach other networks by their hosts.")
