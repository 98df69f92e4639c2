"""Version documents: how every client finds out what it talks to. Source: compute API reference, "API Versions"."""

from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.microversions import MAXIMUM, MINIMUM, text


def _v21(base: str) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": text(MAXIMUM),
        "min_version": text(MINIMUM),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base}/v2.1/"}],
    }


async def list_versions(call: Call) -> Response:
    """200, without a token."""
    return answer({"versions": [_v21(call.dependencies.public_url)]})


async def show_version(call: Call) -> Response:
    """200, without a token."""
    version = _v21(call.dependencies.public_url)
    version["links"].append({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"})
    version["media-types"] = [
        {"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}
    ]
    return answer({"version": version})
