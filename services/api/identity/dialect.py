"""How the identity API speaks: Keystone's error bodies."""

from http import HTTPStatus

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import Caller
from services.api.errors import Refusal
from services.api.routing import Route


class IdentityDialect:
    """The identity API's own ways."""

    def locate(self, path: str, caller: Caller) -> str:  # noqa: ARG002 -- part of the protocol
        """Paths are as they are."""
        return path

    def begin(self, call: Call, route: Route) -> None:
        """Nothing to agree on."""

    def finish(self, call: Call, response: Response) -> None:  # noqa: ARG002 -- part of the protocol
        """Answers depend on the token."""
        response.headers["Vary"] = "X-Auth-Token"

    def refuse(self, call: Call, refusal: Refusal) -> Response:  # noqa: ARG002 -- part of the protocol
        """Code, message and title, under the one key `error`."""
        title = HTTPStatus(refusal.status).phrase
        error = {"code": refusal.status, "message": refusal.message, "title": title}
        return answer({"error": error}, refusal.status, headers=refusal.headers)

    def no_route(self, call: Call) -> Response:
        """In Keystone's words."""
        return self.refuse(call, Refusal(404, "The resource could not be found."))

    def not_allowed(self, policy: str) -> Refusal:
        """In Keystone's words."""
        return Refusal(403, f"You are not authorized to perform the requested action: {policy}.")
