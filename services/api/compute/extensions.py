"""The extensions list: from before microversions, and still read by some clients. Source: compute API reference, "Extensions"."""

from collections.abc import Mapping

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.errors import Refusal

EXTENSIONS: Mapping[str, str] = {
    "os-availability-zone": "AvailabilityZone",
    "os-config-drive": "ConfigDrive",
    "os-console-output": "ConsoleOutput",
    "os-extended-server-attributes": "ExtendedServerAttributes",
    "os-extended-status": "ExtendedStatus",
    "os-flavor-manage": "FlavorManage",
    "os-hypervisors": "Hypervisors",
    "os-instance-actions": "InstanceActions",
    "os-keypairs": "Keypairs",
    "os-multiple-create": "MultipleCreate",
    "os-quota-sets": "Quotas",
    "os-services": "Services",
    "os-user-data": "UserData",
}


def _extension(alias: str) -> dict[str, object]:
    return {
        "alias": alias,
        "name": EXTENSIONS[alias],
        "description": "",
        "links": [],
        "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
        "updated": "2014-12-03T00:00:00Z",
    }


async def list_extensions(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200."""
    return answer({"extensions": [_extension(alias) for alias in EXTENSIONS]})


async def show_extension(call: Call) -> Response:
    """200; 404."""
    if call.path["alias"] not in EXTENSIONS:
        raise Refusal(404, f"The resource {call.path['alias']} could not be found.")
    return answer({"extension": _extension(call.path["alias"])})
