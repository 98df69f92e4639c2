"""Application credentials: how a program logs in as a user, with some of its roles in one project.

Source: identity API v3 reference, "Application Credentials".
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import RowMapping, select
from starlette.responses import Response

from domain.errors import Conflict
from domain.identity.credential import Credential, create_credential, delete_credential
from journal.errors import JournalError, OutcomeUnknown
from projections.tables import credentials
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal
from services.api.identity import names, passwords
from services.api.identity.bodies import credential_body
from services.api.identity.grants import the_user
from services.api.identity.listing import listing
from services.api.identity.roles import the_role
from services.api.schema import BodySchema

SECRET_BYTES = 64

_CREATE = BodySchema(
    {
        "type": "object",
        "properties": {
            "application_credential": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 255},
                    "secret": {"oneOf": [{"type": "string", "minLength": 1, "maxLength": 4096}, {"type": "null"}]},
                    "description": {"type": ["string", "null"], "maxLength": 4096},
                    "expires_at": {"type": ["string", "null"]},
                    "unrestricted": {"type": ["boolean", "null"]},
                    "access_rules": {"type": ["array", "null"], "maxItems": 0},
                    "roles": {
                        "type": ["array", "null"],
                        "items": {
                            "type": "object",
                            "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
                            "minProperties": 1,
                        },
                    },
                },
                "required": ["name"],
            }
        },
        "required": ["application_credential"],
    }
)


class CredentialHandlers:
    """The handlers of application credentials."""

    def __init__(self, hashes: passwords.Passwords) -> None:
        self._hashes = hashes

    async def create(self, call: Call) -> Response:
        """201 with the secret, which is never shown again; 400; 403; 409 when the user has one of that name."""
        user_id = call.path["id"]
        _require_manager(call, "identity:create_application_credential", own=True)
        asked = _CREATE.check(await call.json())["application_credential"]
        at, credential_id = call.dependencies.clock(), call.dependencies.new_id().replace("-", "")
        secret = asked.get("secret") or secrets.token_urlsafe(SECRET_BYTES)
        credential = create_credential(
            credential_id,
            user_id=user_id,
            project_id=call.project_id,
            name=asked["name"],
            description=asked.get("description"),
            roles=_roles(call, asked.get("roles")),
            expires_at=_moment(asked.get("expires_at"), after=at),
            unrestricted=bool(asked.get("unrestricted")),
            at=at,
        )
        await _take(call, asked["name"], credential)
        await self._hashes.keep(passwords.of_credential(credential_id), secret)
        try:
            saved = await call.dependencies.commands.create(credential, call.author)
        except OutcomeUnknown:
            raise
        except JournalError:
            await self._hashes.forget(passwords.of_credential(credential_id))
            await names.release(call, _scope(user_id), asked["name"], credential_id)
            raise
        shown = {**vars(saved.aggregate), "id": credential_id, "expires_at": _read(saved.aggregate.expires_at)}
        body = {**credential_body(shown, call.dependencies.public_url), "secret": secret}
        return answer({"application_credential": body}, 201, position=saved.position)

    async def delete(self, call: Call) -> Response:
        """204; 403; 404. Its tokens end with it."""
        _require_manager(call, "identity:delete_application_credential")
        row, at = await _the_credential(call), call.dependencies.clock()
        saved = await call.dependencies.commands.execute(
            Credential, row["id"], lambda credential: delete_credential(credential, at=at), call.author
        )
        await self._hashes.forget(passwords.of_credential(row["id"]))
        await names.release(call, _scope(row["user_id"]), row["name"], row["id"])
        return empty(204, position=saved.position)


async def list_credentials(call: Call) -> Response:
    """200; 403 for another user's. Filter: name."""
    user_id = call.path["id"]
    _require_owner(call, "identity:list_application_credentials")
    await the_user(call, user_id)
    query = select(credentials).where(credentials.c.user_id == user_id, credentials.c.deleted.is_(False))
    if "name" in call.query:
        query = query.where(credentials.c.name == call.query["name"])

    rows: Sequence[RowMapping] = await call.dependencies.reads.query(
        lambda connection: connection.execute(query.order_by(credentials.c.name)).mappings().all()
    )
    found = [credential_body(row, call.dependencies.public_url) for row in rows]
    return listing(call, "application_credentials", found)


async def show_credential(call: Call) -> Response:
    """200; 403 for another user's; 404."""
    _require_owner(call, "identity:get_application_credential")
    row = await _the_credential(call)
    return answer({"application_credential": credential_body(row, call.dependencies.public_url)})


def _require_owner(call: Call, policy: str, *, own: bool = False) -> None:
    """Pass the user itself and, unless it is about its `own`, administrators. Raises NotAllowed."""
    if call.path["id"] != call.caller.user_id and (own or not call.caller.is_admin):
        raise NotAllowed(policy)


def _require_manager(call: Call, policy: str, *, own: bool = False) -> None:
    """The same, but not for a program that is itself logged in by a restricted one: it could outlive what let it in."""
    _require_owner(call, policy, own=own)
    if not call.caller.unrestricted:
        raise NotAllowed(policy)


async def _the_credential(call: Call) -> RowMapping:
    wanted, user_id = call.path["credential"], call.path["id"]
    query = select(credentials).where(
        credentials.c.id == wanted, credentials.c.user_id == user_id, credentials.c.deleted.is_(False)
    )
    row = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().first())
    if row is None:
        raise Refusal(404, f"Could not find Application Credential: {wanted}.")
    return row


def _roles(call: Call, asked: Sequence[dict[str, str]] | None) -> list[str]:
    """The roles that are asked for, or all that the caller has. Raises Refusal 400 for one that it has not, 404."""
    if not asked:
        return list(call.caller.roles)
    wanted = {the_role(role["id"]) if "id" in role else role.get("name", "") for role in asked}
    for role in sorted(wanted - set(call.caller.roles)):
        raise Refusal(400, f"Invalid application credential: the role {role} is not among those of your token.")
    return sorted(wanted)


def _moment(asked: str | None, *, after: datetime) -> datetime | None:
    """When it expires. Raises Refusal 400."""
    if asked is None:
        return None
    try:
        moment = datetime.fromisoformat(asked)
    except ValueError:
        raise Refusal(400, f"expires_at is a moment like 2030-01-31T23:59:59: {asked!r} is none.") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment <= after:
        raise Refusal(400, "expires_at has passed already.")
    return moment


def _read(expires_at: str | None) -> datetime | None:
    return None if expires_at is None else datetime.fromisoformat(expires_at)


def _scope(user_id: str) -> str:
    """Among what the name is unique."""
    return f"credential {user_id}"


async def _take(call: Call, name: str, credential: Credential) -> None:
    try:
        await names.take(call, Credential, _scope(credential.user_id), name, credential.id)
    except Conflict:
        raise Refusal(
            409,
            "Conflict occurred attempting to store application_credential - "
            f"Duplicate entry found with name {name} for user {credential.user_id}.",
        ) from None
