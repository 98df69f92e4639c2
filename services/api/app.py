"""The application: five APIs behind one port."""

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from services.api.caller import Authenticator, Tokens
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
from services.api.service import Dialect, Service


class Prefixes:
    """Chooses an API by the first segment of the path; compute has none, and takes what is left."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request over."""
        segments = scope["path"].split("/", 2)
        prefix = f"/{segments[1]}" if len(segments) > 1 else ""
        await self._services.get(prefix, self._services[""])(scope, receive, send)


def routes_of(dependencies: Dependencies) -> tuple[Authenticator, Mapping[str, tuple[Routes, Dialect]]]:
    """Who knows tokens; and by prefix, the routes of each API and how it speaks. Identity is ours unless a Keystone is named."""
    parts: dict[str, tuple[Routes, Dialect]] = {
        "/image": (IMAGE, ImageDialect()),
        "/network": (NETWORK, NetworkDialect()),
        "/v1": (OWN, OwnDialect()),
        "": (COMPUTE, ComputeDialect()),
    }
    if dependencies.keystone is not None:
        return dependencies.keystone, parts
    tokens = Tokens(dependencies.token_key, dependencies.clock)
    own = OwnTokens(tokens, dependencies.endings)
    identity = identity_routes(tokens, own, dependencies.secrets, dependencies.clock)
    return own, {"/identity": (Routes(identity), IdentityDialect()), **parts}


def create_app(dependencies: Dependencies) -> FastAPI:
    """All APIs over one wiring: identity, image, network and Chronova's own under their prefixes, compute at the root."""
    authenticator, parts = routes_of(dependencies)
    services = {}
    for prefix, (routes, dialect) in parts.items():
        require_policies(prefix, routes.all)
        services[prefix] = Service(prefix, routes, dialect, dependencies, authenticator)
    app = FastAPI(title="Chronova", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.dependencies = dependencies
    app.mount("", Prefixes(services))
    return app
