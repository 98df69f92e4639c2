"""The application: five APIs behind one port."""

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from services.api.caller import Tokens
from services.api.compute.dialect import ComputeDialect
from services.api.compute.routes import ROUTES as COMPUTE
from services.api.dependencies import Dependencies
from services.api.endings import OwnTokens
from services.api.identity.dialect import IdentityDialect
from services.api.identity.routes import identity_routes
from services.api.image.dialect import ImageDialect
from services.api.image.routes import ROUTES as IMAGE
from services.api.network.dialect import NetworkDialect
from services.api.network.routes import ROUTES as NETWORK
from services.api.own.dialect import OwnDialect
from services.api.own.routes import ROUTES as OWN
from services.api.policy import require_policies
from services.api.routing import Routes
from services.api.service import Authenticator, Dialect, Service


class Prefixes:
    """Chooses an API by the first segment of the path; compute has none, and takes what is left."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request over."""
        segments = scope["path"].split("/", 2)
        prefix = f"/{segments[1]}" if len(segments) > 1 else ""
        await self._services.get(prefix, self._services[""])(scope, receive, send)


def routes_of(
    dependencies: Dependencies, tokens: Tokens, authenticator: Authenticator
) -> Mapping[str, tuple[Routes, Dialect]]:
    """The routes of each API, by its prefix, and how it speaks."""
    identity = Routes(identity_routes(tokens, authenticator, dependencies.secrets, dependencies.clock))
    return {
        "/identity": (identity, IdentityDialect()),
        "/image": (IMAGE, ImageDialect()),
        "/network": (NETWORK, NetworkDialect()),
        "/v1": (OWN, OwnDialect()),
        "": (COMPUTE, ComputeDialect()),
    }


def create_app(dependencies: Dependencies) -> FastAPI:
    """All APIs over one wiring: identity, image, network and Chronova's own under their prefixes, compute at the root."""
    tokens = Tokens(dependencies.token_key, dependencies.clock)
    authenticator = OwnTokens(tokens, dependencies.endings)
    services = {}
    for prefix, (routes, dialect) in routes_of(dependencies, tokens, authenticator).items():
        require_policies(prefix, routes.all)
        services[prefix] = Service(prefix, routes, dialect, dependencies, authenticator)
    app = FastAPI(title="Chronova", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.dependencies = dependencies
    app.mount("", Prefixes(services))
    return app
