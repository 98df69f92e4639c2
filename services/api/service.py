"""The frame around every handler of the four APIs: request id, route, token, policy, position, errors. Pure ASGI."""

import logging
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api.call import NO_NULLS, Call
from services.api.caller import NOBODY, Authenticator, Caller
from services.api.dependencies import Dependencies
from services.api.errors import NoSuchRoute, NotAllowed, Refusal, Unauthenticated, refusal_of
from services.api.routing import Route, Routes

log = logging.getLogger(__name__)

MIN_POSITION = "x-min-position"


class Dialect(Protocol):
    """What one API does in its own way."""

    def locate(self, path: str, caller: Caller) -> str:
        """The path as the routes know it. Raises Refusal."""

    def begin(self, call: Call, route: Route) -> None:
        """Before the handler. Raises Refusal."""

    def finish(self, call: Call, response: Response) -> None:
        """Before the answer is sent: add headers."""

    def refuse(self, call: Call, refusal: Refusal) -> Response:
        """The error body of this API."""

    def no_route(self, call: Call) -> Response:
        """There is nothing there."""

    def not_allowed(self, policy: str) -> Refusal:
        """In which words the caller is told that it may not."""


class Service:
    """One API as an ASGI application."""

    def __init__(
        self, prefix: str, routes: Routes, dialect: Dialect, dependencies: Dependencies, authenticator: Authenticator
    ) -> None:
        self._prefix = prefix
        self._routes = routes
        self._dialect = dialect
        self._dependencies = dependencies
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        call = Call(Request(scope, receive), self._dependencies, f"req-{self._dependencies.new_id()}")
        try:
            response = await self._answer(call, scope["path"].removeprefix(self._prefix))
        except ClientDisconnect:
            return  # nobody is left to answer
        response.headers["x-openstack-request-id"] = call.request_id
        self._dialect.finish(call, response)
        await response(scope, receive, send)

    async def _answer(self, call: Call, path: str) -> Response:
        try:
            return await self._handle(call, path)
        except ClientDisconnect:
            raise
        except NoSuchRoute:
            return self._dialect.no_route(call)
        except Unauthenticated as error:
            return self._dialect.refuse(call, unauthenticated(error, self._dependencies))
        except NotAllowed as error:
            return self._dialect.refuse(call, self._dialect.not_allowed(error.policy))
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                log.exception("%s %s failed (%s)", call.request.method, path, call.request_id)
                refusal = Refusal(500, unexpected(error))
            return self._dialect.refuse(call, refusal)

    async def _handle(self, call: Call, path: str) -> Response:
        if "\0" in path or b"%00" in call.request.scope["query_string"]:
            raise Refusal(400, NO_NULLS)
        found = self._routes.find(call.request.method, path)
        if found is not None and found[0].policy is None:
            route, call.path = found
        else:
            call.caller = await self._authenticate(call.request)
            found = self._routes.find(call.request.method, self._dialect.locate(path, call.caller))
            if found is None:
                raise NoSuchRoute
            route, call.path = found
        self._dialect.begin(call, route)
        if route.policy is not None:
            call.require(route.policy)
        if call.request.method in ("GET", "HEAD") and (position := call.request.headers.get(MIN_POSITION)):
            await self._reach(position)
        return await route.handler(call)

    async def _authenticate(self, request: Request) -> Caller:
        token = request.headers.get("x-auth-token")
        caller = None if token is None else await self._authenticator.caller(token)
        if caller is None or caller is NOBODY:
            raise Unauthenticated
        return caller

    async def _reach(self, position: str) -> None:
        if not position.isdecimal() or len(position) > 18:  # noqa: PLR2004 -- more is no position of any log
            raise Refusal(400, f"X-Min-Position is the position of an event, a whole number: {position!r} is none.")
        await self._dependencies.applied.wait(int(position))


def unauthenticated(error: Unauthenticated, dependencies: Dependencies) -> Refusal:
    """The 401 that sends clients to the identity API."""
    return Refusal(401, str(error), headers={"WWW-Authenticate": f'Keystone uri="{dependencies.identity_url}"'})


def unexpected(error: Exception) -> str:
    """What is said of a fault of the service itself: its kind, never its words, which may hold what nobody should read."""
    return (
        "Unexpected API Error. Please report it to the operator of this cloud, with the request id of this answer.\n"
        f"{type(error)}"
    )
