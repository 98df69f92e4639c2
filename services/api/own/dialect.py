"""How Chronova's own API speaks."""

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import Caller
from services.api.errors import Refusal
from services.api.routing import Route


class OwnDialect:
    """The own API's ways: an error is a code and a sentence."""

    def locate(self, path: str, caller: Caller) -> str:  # noqa: ARG002 -- part of the protocol
        """Paths are as they are."""
        return path

    def begin(self, call: Call, route: Route) -> None:
        """Nothing to agree on."""

    def finish(self, call: Call, response: Response) -> None:
        """Nothing to add."""

    def refuse(self, call: Call, refusal: Refusal) -> Response:  # noqa: ARG002 -- part of the protocol
        """Code and message, under the one key `error`."""
        error = {"code": refusal.status, "message": refusal.message}
        return answer({"error": error}, refusal.status, headers=refusal.headers)

    def no_route(self, call: Call) -> Response:
        """There is nothing there."""
        return self.refuse(call, Refusal(404, "There is nothing here."))

    def not_allowed(self, policy: str) -> Refusal:
        """The policy is named: it says what role is missing."""
        return Refusal(403, f"You may not: {policy}.")
