"""Version documents of the identity API."""

from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call


def _v3(base: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base}/identity/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


async def list_versions(call: Call) -> Response:
    """300, without a token."""
    base = call.dependencies.public_url
    headers = {"Location": f"{base}/identity/v3/"}
    return answer({"versions": {"values": [_v3(base)]}}, 300, headers=headers)


async def show_version(call: Call) -> Response:
    """200, without a token."""
    return answer({"version": _v3(call.dependencies.public_url)})
