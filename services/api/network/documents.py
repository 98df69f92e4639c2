"""What the network API says of itself: versions, extensions, zones."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.errors import Refusal
from services.api.network.lists import listing, one

EXTENSIONS: Mapping[str, str] = {
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "net-mtu": "Network MTU",
    "net-mtu-writable": "Network MTU (writable)",
    "network-ip-availability": "Network IP Availability",
    "port-security": "Port Security",
    "project-id": "project_id field enabled",
    "quotas": "Quota management support",
    "quota_details": "Quota details management support",
    "security-group": "security-group",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-tag": "Tag support for resources with standard attribute: network, subnet, port, security_group",
    "standard-attr-timestamp": "Resource timestamps",
}


async def list_versions(call: Call) -> Response:
    """200, without a token."""
    links = [{"rel": "self", "href": f"{call.dependencies.public_url}/network/v2.0/"}]
    return answer({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


async def show_version(call: Call) -> Response:
    """200, without a token: what there is in v2.0."""
    base = f"{call.dependencies.public_url}/network/v2.0"
    kinds = ("network", "subnet", "port", "security-group", "security-group-rule")
    resources = [
        {"name": kind, "collection": f"{kind}s", "links": [{"rel": "self", "href": f"{base}/{kind}s"}]}
        for kind in kinds
    ]
    return answer({"resources": resources})


def _extension(alias: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": EXTENSIONS[alias],
        "description": EXTENSIONS[alias],
        "links": [],
        "updated": "2016-09-12T10:00:00-00:00",
    }


async def list_extensions(call: Call) -> Response:
    """200."""
    return listing(call, "extensions", [_extension(alias) for alias in EXTENSIONS])


async def show_extension(call: Call) -> Response:
    """200; 404."""
    alias = call.path["alias"]
    if alias not in EXTENSIONS:
        raise Refusal(404, f"Extension with alias {alias} does not exist")
    return one(call, "extension", _extension(alias))


async def list_zones(call: Call) -> Response:
    """200."""
    return listing(call, "availability_zones", [{"name": "nova", "resource": "network", "state": "available"}])
