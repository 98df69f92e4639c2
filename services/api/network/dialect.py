"""How the network API speaks: Neutron's error bodies."""

from collections.abc import Mapping

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import Caller
from services.api.errors import Refusal
from services.api.routing import Route

TYPES: Mapping[int, str] = {
    400: "HTTPBadRequest",
    403: "PolicyNotAuthorized",
    404: "HTTPNotFound",
    409: "Conflict",
    413: "HTTPRequestEntityTooLarge",
    415: "HTTPUnsupportedMediaType",
    501: "HTTPNotImplemented",
    503: "HTTPServiceUnavailable",
}


KINDS: Mapping[str, str] = {
    "AddressesExhausted": "IpAddressGenerationFailure",
    "AddressTaken": "IpAddressAlreadyAllocated",
    "AddressOutside": "InvalidIpForSubnet",
    "MacTaken": "MacAddressInUse",
    "Invalid": "InvalidInput",
    **{
        name: name
        for name in (
            "NetworkInUse",
            "SubnetInUse",
            "PortInUse",
            "InvalidInput",
            "BadRequest",
            "SecurityGroupInUse",
            "SecurityGroupRuleExists",
            "SecurityGroupCannotRemoveDefault",
            "SecurityGroupDefaultAlreadyExists",
            "SecurityGroupProtocolRequiredWithPorts",
            "SecurityGroupInvalidPortRange",
            "SecurityGroupRemoteGroupAndRemoteIpPrefix",
            "TagNotFound",
        )
    },
}
"""What Neutron calls an error, by its kind here; the others are named by their status."""


class Missing(Refusal):
    """There is no such network, subnet, port … Its type names what is missing."""

    def __init__(self, kind: str, resource_id: str) -> None:
        sentence = MISSING.get(kind, "{kind} {id} could not be found.").format(kind=kind, id=resource_id)
        super().__init__(404, sentence, kind=f"{''.join(word[0].upper() + word[1:] for word in kind.split())}NotFound")


MISSING: Mapping[str, str] = {
    "Security group": "Security group {id} does not exist",
    "Security group rule": "Security group rule {id} does not exist",
}
"""Where Neutron does not say that it could not be found."""


class NetworkDialect:
    """The network API's own ways."""

    def locate(self, path: str, caller: Caller) -> str:  # noqa: ARG002 -- part of the protocol
        """Paths are as they are; some clients write `.json` behind them."""
        return path.removesuffix(".json")

    def begin(self, call: Call, route: Route) -> None:
        """Nothing to agree on."""

    def finish(self, call: Call, response: Response) -> None:
        """Nothing to add."""

    def refuse(self, call: Call, refusal: Refusal) -> Response:  # noqa: ARG002 -- part of the protocol
        """Type, message and detail, under the one key `NeutronError`; 401 is worded by identity."""
        if refusal.status == 401:  # noqa: PLR2004
            error = {"code": 401, "title": "Unauthorized", "message": refusal.message}
            return answer({"error": error}, 401, headers=refusal.headers)
        by_status = TYPES.get(refusal.status, "HTTPInternalServerError")
        kind = refusal.kind if isinstance(refusal, Missing) else KINDS.get(refusal.kind, by_status)
        body = {"NeutronError": {"type": kind, "message": refusal.message, "detail": ""}}
        return answer(body, refusal.status, headers=refusal.headers)

    def no_route(self, call: Call) -> Response:
        """In Neutron's words."""
        return self.refuse(call, Refusal(404, "The resource could not be found."))

    def not_allowed(self, policy: str) -> Refusal:
        """In Neutron's words."""
        return Refusal(403, f"rule:{policy} is disallowed by policy")
