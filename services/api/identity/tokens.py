"""Tokens: given for a password or another token, shown, and used to find out what there is.

Source: identity API v3 reference, "Authentication and token management".
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.caller import LIFETIME, Caller, Tokens, effective_roles
from services.api.errors import Refusal, Unauthenticated
from services.api.identity.bodies import catalog, token_body
from services.api.identity.grants import is_default_domain, project_by, roles_of, user_by
from services.api.identity.passwords import Passwords
from services.api.schema import BodySchema

_REFERENCE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "domain": {"type": "object"}},
}
_AUTH = BodySchema(
    {
        "type": "object",
        "properties": {
            "auth": {
                "type": "object",
                "properties": {
                    "identity": {
                        "type": "object",
                        "properties": {
                            "methods": {"type": "array", "items": {"type": "string"}},
                            "password": {
                                "type": "object",
                                "properties": {
                                    "user": {
                                        **_REFERENCE,
                                        "properties": {
                                            **_REFERENCE["properties"],
                                            "password": {"type": "string", "maxLength": 4096},
                                        },
                                        "required": ["password"],
                                    }
                                },
                                "required": ["user"],
                            },
                            "token": {
                                "type": "object",
                                "properties": {"id": {"type": "string"}},
                                "required": ["id"],
                            },
                        },
                        "required": ["methods"],
                    },
                    "scope": {
                        "type": ["object", "string"],
                        "properties": {"project": _REFERENCE},
                    },
                },
                "required": ["identity"],
            }
        },
        "required": ["auth"],
    }
)


@dataclass(frozen=True, slots=True)
class Proven:
    """Who has proven to be who."""

    user: RowMapping
    project_id: str | None = None  # of the token that proved it: the scope when none is asked for
    not_after: datetime | None = None  # a token made from a token does not live longer


class TokenHandlers:
    """The handlers that need keys and hashes."""

    def __init__(self, tokens: Tokens, passwords: Passwords) -> None:
        self._tokens = tokens
        self._passwords = passwords
        self._methods: Mapping[str, Callable[[Call, Mapping[str, Any]], Awaitable[Proven]]] = {
            "password": self._by_password,
            "token": self._by_token,
        }

    async def create(self, call: Call) -> Response:
        """201 with X-Subject-Token; 400; 401 for a wrong user, password, token or project, without saying which."""
        auth = _AUTH.check(await call.json())["auth"]
        identity = auth["identity"]
        method = next((name for name in identity["methods"] if name in self._methods), None)
        if method is None:
            raise Unauthenticated(
                f"Attempted to authenticate with an unsupported method: {', '.join(identity['methods'])}."
            )
        if method not in identity:
            raise Refusal(400, f"Expecting to find {method} in identity. The server could not comply with the request.")
        proven = await self._methods[method](call, identity)
        caller = await self._scoped(call, proven, auth.get("scope"), method)
        headers = {"X-Subject-Token": self._tokens.issue(caller)}
        return answer(token_body(caller, call.dependencies), 201, headers=headers)

    async def show(self, call: Call) -> Response:
        """200: what the token in X-Subject-Token stands for; 404 when it is not a good one."""
        subject = call.request.headers.get("x-subject-token")
        caller = None if subject is None else self._tokens.read(subject)
        if caller is None or subject is None:
            raise Refusal(404, "Failed to validate token")
        body = token_body(caller, call.dependencies, with_catalog="nocatalog" not in call.query)
        return answer(body, headers={"X-Subject-Token": subject})

    async def _by_password(self, call: Call, identity: Mapping[str, Any]) -> Proven:
        asked = identity["password"]["user"]
        user: RowMapping | None = None
        if is_default_domain(asked.get("domain")) and ("id" in asked or "name" in asked):
            user = await call.dependencies.reads.query(
                lambda connection: user_by(connection, user_id=asked.get("id"), name=asked.get("name"))
            )
        right = await self._passwords.match(None if user is None else user["id"], asked["password"])
        if user is None or not right:
            raise Unauthenticated
        return Proven(user)

    async def _by_token(self, call: Call, identity: Mapping[str, Any]) -> Proven:
        known = self._tokens.read(identity["token"]["id"])
        if known is None:
            raise Unauthenticated
        user = await call.dependencies.reads.query(lambda connection: user_by(connection, user_id=known.user_id))
        if user is None:
            raise Unauthenticated
        return Proven(user, known.project_id, known.expires_at)

    async def _scoped(self, call: Call, proven: Proven, scope: Any, method: str) -> Caller:
        """The caller in the project that was asked for; without one when "unscoped" was, or nothing. Raises Unauthenticated."""
        asked = _project_asked_for(scope)
        if scope is None and proven.project_id is not None:
            asked = {"id": proven.project_id}
        project: RowMapping | None = None
        roles: tuple[str, ...] = ()
        if asked is not None:
            project, roles = await call.dependencies.reads.query(
                lambda connection: _project_and_roles(connection, proven.user["id"], asked)
            )
            if project is None or not roles:
                raise Unauthenticated
        now = call.dependencies.clock()
        return Caller(
            user_id=proven.user["id"],
            user_name=proven.user["name"],
            project_id=None if project is None else project["id"],
            project_name=None if project is None else project["name"],
            roles=effective_roles(roles),
            methods=(method,) if method == "password" else ("token", "password"),
            issued_at=now.replace(microsecond=0),
            expires_at=min(now + LIFETIME, proven.not_after or now + LIFETIME).replace(microsecond=0),
            audit_id=call.dependencies.new_id(),
        )


def _project_asked_for(scope: Any) -> Mapping[str, Any] | None:
    if scope is None or scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return None
    project = scope.get("project") if isinstance(scope, dict) else None
    if project is None:
        raise Unauthenticated("Only projects can be the scope of a token in this cloud.")
    if "id" not in project and "name" not in project:
        raise Refusal(400, "Expecting to find id or name in project. The server could not comply with the request.")
    found: Mapping[str, Any] = project
    return found


def _project_and_roles(
    connection: Connection, user_id: str, asked: Mapping[str, Any]
) -> tuple[RowMapping | None, tuple[str, ...]]:
    if "id" not in asked and not is_default_domain(asked.get("domain")):
        return None, ()
    project = project_by(connection, project_id=asked.get("id"), name=asked.get("name"))
    return project, () if project is None else roles_of(connection, user_id, project["id"])


async def show_catalog(call: Call) -> Response:
    """200: where each service is."""
    links = {"self": f"{call.dependencies.public_url}/identity/v3/auth/catalog", "previous": None, "next": None}
    return answer({"catalog": catalog(call.dependencies), "links": links})


async def revoke(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501: honest, until there is an event for it."""
    raise Refusal(501, "Tokens cannot be revoked yet: they end by themselves, twelve hours after they were issued.")
