"""How the image API speaks: Glance's error bodies, in the JSON form that clients accept."""

from http import HTTPStatus

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import Caller
from services.api.errors import Refusal
from services.api.routing import Route


class ImageDialect:
    """The image API's own ways."""

    def locate(self, path: str, caller: Caller) -> str:  # noqa: ARG002 -- part of the protocol
        """Paths are as they are."""
        return path

    def begin(self, call: Call, route: Route) -> None:
        """Nothing to agree on."""

    def finish(self, call: Call, response: Response) -> None:
        """Nothing to add."""

    def refuse(self, call: Call, refusal: Refusal) -> Response:  # noqa: ARG002 -- part of the protocol
        """Message, code and title; 401 is worded by identity."""
        title = HTTPStatus(refusal.status).phrase
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            error = {"code": 401, "title": title, "message": refusal.message}
            return answer({"error": error}, 401, headers=refusal.headers)
        body = {"message": refusal.message, "code": f"{refusal.status} {title}", "title": title}
        return answer(body, refusal.status, headers=refusal.headers)

    def no_route(self, call: Call) -> Response:
        """In Glance's words."""
        return self.refuse(call, Refusal(404, "The resource could not be found."))

    def not_allowed(self, policy: str) -> Refusal:
        """In Glance's words."""
        return Refusal(403, f"You are not authorized to complete {policy} action.")
