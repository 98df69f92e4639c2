"""What is fixed in a cloud: its one domain, its services and where they are. Source: identity API v3 reference."""

from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.errors import Refusal
from services.api.identity.bodies import catalog, domain_body
from services.api.identity.grants import DOMAIN
from services.api.identity.listing import listing


async def list_domains(call: Call) -> Response:
    """200. Filter: name."""
    wanted = call.query.get("name")
    base = call.dependencies.public_url
    return listing(call, "domains", [domain_body(base)] if wanted in (None, DOMAIN["name"]) else [])


async def show_domain(call: Call) -> Response:
    """200; 404."""
    if call.path["id"] != DOMAIN["id"]:
        raise Refusal(404, f"Could not find domain: {call.path['id']}.")
    return answer({"domain": domain_body(call.dependencies.public_url)})


def _services(call: Call) -> list[dict[str, Any]]:
    return [
        {"id": entry["id"], "type": entry["type"], "name": entry["name"], "enabled": True, "description": ""}
        for entry in catalog(call.dependencies)
    ]


async def show_service(call: Call) -> Response:
    """200; 404."""
    for entry in _services(call):
        if entry["id"] == call.path["id"]:
            return answer({"service": entry})
    raise Refusal(404, f"Could not find service: {call.path['id']}.")


async def list_services(call: Call) -> Response:
    """200. Filters: type, name."""
    found = [
        entry
        for entry in _services(call)
        if call.query.get("type") in (None, entry["type"]) and call.query.get("name") in (None, entry["name"])
    ]
    return listing(call, "services", found)


async def list_endpoints(call: Call) -> Response:
    """200. Filters: service_id, interface."""
    found = [
        {**endpoint, "service_id": entry["id"], "enabled": True}
        for entry in catalog(call.dependencies)
        for endpoint in entry["endpoints"]
        if call.query.get("service_id") in (None, entry["id"])
        and call.query.get("interface") in (None, endpoint["interface"])
    ]
    return listing(call, "endpoints", found)


async def list_regions(call: Call) -> Response:
    """200."""
    return listing(call, "regions", [{"id": call.dependencies.region, "description": "", "parent_region_id": None}])


async def is_fixed(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501: what a cloud of this kind has once and for all."""
    raise Refusal(501, "Roles and domains are fixed in this cloud: they cannot be made, changed or deleted.")
