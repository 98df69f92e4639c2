"""How the compute API speaks: paths with and without a project, microversion headers, Nova's error bodies."""

import re
from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import Caller
from services.api.compute.microversions import exists, negotiate, text, version_headers
from services.api.errors import Refusal
from services.api.routing import Route

PROJECT = re.compile(r"/v2\.1/(?P<project>[0-9a-f-]+)(?P<rest>/.*)")

ERROR_KEYS: Mapping[int, str] = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}
"""The one key of an error body, by status; computeFault for all others."""

NO_ROUTE = "404 Not Found\n\nThe resource could not be found.\n\n   \n"


class ComputeDialect:
    """The compute API's own ways."""

    def locate(self, path: str, caller: Caller) -> str:
        """The path without a project. Raises Refusal when the project in it is not the token's."""
        found = PROJECT.fullmatch(path)
        if found is None:
            return path
        if found["project"] != caller.project_id:
            raise Refusal(
                400,
                f"Malformed request URL: URL's project_id '{found['project']}' doesn't match Context's project_id "
                f"'{caller.project_id}'",
            )
        return f"/v2.1{found['rest']}"

    def begin(self, call: Call, route: Route) -> None:
        """Agree on a microversion. Raises Refusal 400, 406, and 404 for an endpoint that it does not have."""
        if route.template == "/":
            return
        call.version = negotiate(call.request.headers)
        call.negotiated = True
        if not exists(route.name, call.version):
            raise Refusal(404, f"API version '{text(call.version)}' is not supported on this method.")

    def finish(self, call: Call, response: Response) -> None:
        """Say the request id, and the microversion when there was one."""
        response.headers["x-compute-request-id"] = call.request_id
        if call.negotiated:
            response.headers.update(version_headers(text(call.version)))

    def refuse(self, call: Call, refusal: Refusal) -> Response:  # noqa: ARG002 -- part of the protocol
        """One key chosen by the status, in it code and message; 401 is worded by identity."""
        if refusal.status == 401:  # noqa: PLR2004
            return answer(
                {"error": {"code": 401, "title": "Unauthorized", "message": refusal.message}},
                401,
                headers=refusal.headers,
            )
        fault: dict[str, int | str] = {"code": refusal.status, "message": refusal.message}
        if "Retry-After" in refusal.headers:
            fault["retryAfter"] = refusal.headers["Retry-After"]
        return answer({ERROR_KEYS.get(refusal.status, "computeFault"): fault}, refusal.status, headers=refusal.headers)

    def no_route(self, call: Call) -> Response:  # noqa: ARG002 -- part of the protocol
        """Also for a method that a path does not know."""
        return PlainTextResponse(NO_ROUTE, 404)

    def not_allowed(self, policy: str) -> Refusal:
        """In Nova's words."""
        return Refusal(403, f"Policy doesn't allow {policy} to be performed.")
