"""Methods: the ways to prove to be somebody. Source: identity API v3 reference, "Authentication and token management"."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from projections.read_model import position_of
from projections.tables import credentials
from services.api.call import Call
from services.api.caller import Authenticator, Caller
from services.api.errors import Refusal, Unauthenticated
from services.api.identity import passwords
from services.api.identity.grants import is_default_domain, user_by
from services.api.identity.logins import Logins


@dataclass(frozen=True, slots=True)
class Proven:
    """Who has proven to be who, how, and as of which position of the log."""

    user: RowMapping
    methods: tuple[str, ...]
    position: int
    token: Caller | None = None  # that proved it
    credential: Mapping[Any, Any] | None = None  # that proved it: id, name, project_id, roles, unrestricted
    not_after: datetime | None = None  # the new token does not live longer


class Methods:
    """Checks what a request brings to prove who it is of."""

    def __init__(self, authenticator: Authenticator, logins: Logins) -> None:
        self._authenticator = authenticator
        self._logins = logins
        self._known: Mapping[str, Callable[[Call, Mapping[str, Any]], Awaitable[Proven]]] = {
            "password": self._password,
            "token": self._token,
            "application_credential": self._credential,
        }

    async def prove(self, call: Call, identity: Mapping[str, Any]) -> Proven:
        """Who it is. Raises Unauthenticated, without saying what is wrong; Refusal 400, 429."""
        method = next((name for name in identity["methods"] if name in self._known), None)
        if method is None:
            raise Unauthenticated(
                f"Attempted to authenticate with an unsupported method: {', '.join(identity['methods'])}."
            )
        if method not in identity:
            raise Refusal(400, f"Expecting to find {method} in identity. The server could not comply with the request.")
        proven = await self._known[method](call, identity[method])
        if not proven.user["enabled"]:
            raise Unauthenticated
        return proven

    async def _password(self, call: Call, given: Mapping[str, Any]) -> Proven:
        asked = given["user"]
        user, position = await call.dependencies.reads.query(lambda connection: _user_and_position(connection, asked))
        who = _called(asked) if user is None else user["id"]
        key = None if user is None else passwords.of_user(user["id"])
        right = await self._logins.right(call, who, key, asked["password"])
        if user is None or not right:
            raise Unauthenticated
        return Proven(user, ("password",), position)

    async def _token(self, call: Call, given: Mapping[str, Any]) -> Proven:
        known = await self._authenticator.caller(given["id"])
        if known is None:
            raise Unauthenticated
        user = await call.dependencies.reads.query(lambda connection: user_by(connection, user_id=known.user_id))
        if user is None:
            raise Unauthenticated
        methods = tuple(dict.fromkeys(("token", *known.methods)))
        # As of when the first token was proven: what ends that one for good ends this one too.
        proven = Proven(user, methods, known.proven_at, token=known, not_after=known.expires_at)
        if known.credential_id is None:
            return proven
        credential = {
            "id": known.credential_id,
            "name": known.credential_name,
            "project_id": known.project_id,
            "roles": known.roles,
            "unrestricted": known.unrestricted,
        }
        return Proven(user, methods, known.proven_at, known, credential, known.expires_at)

    async def _credential(self, call: Call, given: Mapping[str, Any]) -> Proven:
        if "id" not in given and not ("name" in given and "user" in given):
            raise Refusal(400, "An application credential is named by its id, or by its name and its user.")
        user, credential, position = await call.dependencies.reads.query(
            lambda connection: _credential_and_position(connection, given)
        )
        who = f"credential {given.get('id') or given['name']}" if credential is None else credential["id"]
        key = None if credential is None else passwords.of_credential(credential["id"])
        right = await self._logins.right(call, who, key, given["secret"])
        if user is None or credential is None or not right:
            raise Unauthenticated
        ends = credential["expires_at"]
        if ends is not None and ends <= call.dependencies.clock():
            raise Unauthenticated
        return Proven(user, ("application_credential",), position, credential=credential, not_after=ends)


def _called(asked: Mapping[str, Any]) -> str:
    """What failures are counted for when there is no such user."""
    return f"user {asked.get('id') or asked.get('name')}"


def _user(connection: Connection, asked: Mapping[str, Any]) -> RowMapping | None:
    if "id" in asked:
        return user_by(connection, user_id=asked["id"])
    if "name" in asked and is_default_domain(asked.get("domain")):
        return user_by(connection, name=asked["name"])
    return None


def _user_and_position(connection: Connection, asked: Mapping[str, Any]) -> tuple[RowMapping | None, int]:
    return _user(connection, asked), position_of(connection)


def _credential_and_position(
    connection: Connection, given: Mapping[str, Any]
) -> tuple[RowMapping | None, RowMapping | None, int]:
    position = position_of(connection)
    found = select(credentials).where(credentials.c.deleted.is_(False))
    if "id" in given:
        found = found.where(credentials.c.id == given["id"])
    else:
        user = _user(connection, given["user"])
        if user is None:
            return None, None, position
        found = found.where(credentials.c.user_id == user["id"], credentials.c.name == given["name"])
    row = connection.execute(found).mappings().first()
    return None if row is None else user_by(connection, user_id=row["user_id"]), row, position
