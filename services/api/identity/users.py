"""Users and their passwords. Source: identity API v3 reference, "Users"."""

import contextlib
from typing import Any

from sqlalchemy import RowMapping, select
from starlette.responses import Response

from domain.errors import Conflict
from domain.identity.credential import Credential, delete_credential
from domain.identity.user import DETAILS, User, change_user, create_user, delete_user, password_changed
from journal.errors import JournalError, LogUnavailable, OutcomeUnknown
from projections.tables import credentials, users
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal, Unauthenticated
from services.api.identity import names, passwords
from services.api.identity.bodies import user_body
from services.api.identity.grants import require_default_domain, the_user
from services.api.identity.listing import filtered, listing
from services.api.identity.logins import Logins
from services.api.schema import BodySchema

SCOPE = "user"
"""Among all users a name is unique."""

_PASSWORD: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 4096}
_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"},
    "password": {"oneOf": [_PASSWORD, {"type": "null"}]},
    "description": {"type": ["string", "null"], "maxLength": 4096},
    "email": {"type": ["string", "null"], "maxLength": 320},
    "default_project_id": {"type": ["string", "null"], "maxLength": 64},
    "enabled": {"type": "boolean"},
    "domain_id": {"type": ["string", "null"]},
    "options": {"type": "object", "maxProperties": 0},
}


def _schema(fields: dict[str, Any], *required: str) -> BodySchema:
    user = {"type": "object", "properties": fields, "required": list(required)}
    return BodySchema({"type": "object", "properties": {"user": user}, "required": ["user"]})


_CREATE, _UPDATE = _schema(_FIELDS, "name"), _schema(_FIELDS)
_CHANGE_PASSWORD = _schema({"original_password": _PASSWORD, "password": _PASSWORD}, "original_password", "password")


async def list_users(call: Call) -> Response:
    """200. Filters: name, domain_id, enabled."""
    query = filtered(select(users), users, call.query)
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    return listing(call, "users", [user_body(row, call.dependencies.public_url) for row in rows])


async def show_user(call: Call) -> Response:
    """200; 403 for another user; 404."""
    if call.path["id"] != call.caller.user_id and not call.caller.is_admin:
        raise NotAllowed("identity:get_user")
    return answer({"user": user_body(await the_user(call, call.path["id"]), call.dependencies.public_url)})


class UserHandlers:
    """The handlers that need hashes."""

    def __init__(self, hashes: passwords.Passwords, logins: Logins) -> None:
        self._hashes = hashes
        self._logins = logins

    async def create(self, call: Call) -> Response:
        """201; 400; 409 when the name is in use. Without a password the user cannot log in."""
        asked = _CREATE.check(await call.json())["user"]
        require_default_domain(asked.get("domain_id"))
        user_id, at = call.dependencies.new_id().replace("-", ""), call.dependencies.clock()
        details = {detail: asked.get(detail) for detail in DETAILS}
        user = create_user(user_id, **details, enabled=asked.get("enabled", True), at=at)
        await _take(call, asked["name"], user_id)
        try:
            if asked.get("password") is not None:  # first: whoever sees the user can log in as it
                await self._hashes.keep(passwords.of_user(user_id), asked["password"])
            saved = await call.dependencies.commands.create(user, call.author)
        except OutcomeUnknown:
            raise
        except JournalError:
            with contextlib.suppress(LogUnavailable):
                await self._hashes.forget(passwords.of_user(user_id))
                await names.release(call, SCOPE, asked["name"], user_id)
            raise
        return answer({"user": _body(call, saved.aggregate)}, 201, position=saved.position)

    async def update(self, call: Call) -> Response:
        """200; 400; 404; 409 when the name is in use. Another password, or being disabled, ends all tokens of the user."""
        asked = _UPDATE.check(await call.json())["user"]
        before, at = await the_user(call, call.path["id"]), call.dependencies.clock()
        require_default_domain(asked.get("domain_id"))
        renamed = asked.get("name", before["name"]) != before["name"]
        has_password = asked.get("password") is not None
        if renamed:
            await _take(call, asked["name"], before["id"])
        if has_password:
            await self._hashes.keep(passwords.of_user(before["id"]), asked["password"])

        def change(user: User) -> None:
            change_user(user, asked, enabled=asked.get("enabled"), at=at)
            if has_password:
                password_changed(user, at=at)

        saved = await call.dependencies.commands.execute(User, before["id"], change, call.author)
        if renamed:
            await names.release(call, SCOPE, before["name"], before["id"])
        return answer({"user": _body(call, saved.aggregate)}, position=saved.position)

    async def change_password(self, call: Call) -> Response:
        """204; 400; 401 for a wrong one; 403 for another user's. It ends all tokens of the user, this one too."""
        user_id, at = call.path["id"], call.dependencies.clock()
        if user_id != call.caller.user_id or call.caller.credential_id is not None:
            raise NotAllowed("identity:change_password")
        asked = _CHANGE_PASSWORD.check(await call.json())["user"]
        if not await self._logins.right(call, user_id, passwords.of_user(user_id), asked["original_password"]):
            raise Unauthenticated
        await self._hashes.keep(passwords.of_user(user_id), asked["password"])
        # Only then: a token that was given for the old password was given before this event.
        saved = await call.dependencies.commands.execute(
            User, user_id, lambda user: password_changed(user, at=at), call.author
        )
        return empty(204, position=saved.position)

    async def delete(self, call: Call) -> Response:
        """204; 404. Its application credentials end with it."""
        before, at = await the_user(call, call.path["id"]), call.dependencies.clock()
        saved = await call.dependencies.commands.execute(
            User, before["id"], lambda user: delete_user(user, at=at), call.author
        )
        await self._hashes.forget(passwords.of_user(before["id"]))
        await names.release(call, SCOPE, saved.aggregate.name, before["id"])
        for row in await _credentials(call, before["id"]):
            await self._hashes.forget(passwords.of_credential(row["id"]))
            await call.dependencies.commands.execute(
                Credential, row["id"], lambda credential: delete_credential(credential, at=at), call.author
            )
        return empty(204, position=saved.position)


async def _credentials(call: Call, user_id: str) -> list[RowMapping]:
    query = select(credentials).where(credentials.c.user_id == user_id, credentials.c.deleted.is_(False))
    return await call.dependencies.reads.query(lambda connection: list(connection.execute(query).mappings()))


async def _take(call: Call, name: str, user_id: str) -> None:
    try:
        await names.take(call, User, SCOPE, name, user_id)
    except Conflict:
        raise Refusal(
            409,
            f"Conflict occurred attempting to store user - Duplicate entry found with name {name} at domain ID default.",
        ) from None


def _body(call: Call, user: User) -> dict[str, Any]:
    parts = {name: getattr(user, name) for name in ("id", *DETAILS, "enabled")}
    return user_body(parts, call.dependencies.public_url)
