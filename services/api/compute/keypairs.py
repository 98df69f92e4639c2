"""Key pairs: a user's public keys. Source: compute API reference, "Keypairs"."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from starlette.responses import Response

from domain.keypair import KeyPair, delete_key, import_again, import_key, keypair_id
from domain.project.quota import UNLIMITED
from journal.errors import AppendConflict
from journal.repository import Saved
from projections.tables import keypairs
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.certificates import certificate_fingerprint, generate_certificate
from services.api.compute.links import micro, next_link
from services.api.compute.microversions import Version, exists
from services.api.compute.paging import Order, after, limit_of, page
from services.api.compute.quota_rows import quota_of
from services.api.compute.ssh_keys import fingerprint, generate
from services.api.errors import Refusal
from services.api.schema import BodySchema

BY_NAME = [Order(keypairs.c.name), Order(keypairs.c.id)]
PLAIN, WITH_ADDRESSES = re.compile(r"[A-Za-z0-9_\- ]+"), re.compile(r"[A-Za-z0-9_\- @.]+")


async def list_keypairs(call: Call) -> Response:
    """200."""
    user_id = _user(call, call.query.get("user_id"))
    paged = exists("keypair.paging", call.version)
    limit = limit_of(call.query.get("limit") if paged else None)
    marker = call.query.get("marker") if paged else None
    own = select(keypairs).where(keypairs.c.user_id == user_id, keypairs.c.deleted.is_(False))

    def ask(connection: Connection) -> Sequence[RowMapping]:
        wanted = own
        if marker:
            this = (keypairs.c.user_id == user_id) & (keypairs.c.name == marker) & keypairs.c.deleted.is_(False)
            wanted = wanted.where(after(connection, BY_NAME, this, f"marker [{marker}] not found"))
        return connection.execute(page(wanted, BY_NAME, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    listing: dict[str, Any] = {"keypairs": [{"keypair": _brief(row, call.version)} for row in rows]}
    if "limit" in call.query and rows and len(rows) == limit:
        base = call.dependencies.public_url
        listing["keypairs_links"] = next_link(base, "/v2.1/os-keypairs", call.query, rows[-1]["name"])
    return answer(listing)


async def show_keypair(call: Call) -> Response:
    """200; 404."""
    row = await _visible(call)
    shown = {
        **_brief(row, call.version),
        "user_id": row["user_id"],
        "id": row["created_position"],
        "created_at": micro(row["created_at"]),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    return answer({"keypair": shown})


async def create_keypair(call: Call) -> Response:
    """201 (200 before 2.2), with the private key when one was generated; 400; 409 when the name is in use."""
    asked = _schema(call.version).check(await call.json())["keypair"]
    name, public_key, private_key = asked["name"].strip(), asked.get("public_key"), None
    allowed = WITH_ADDRESSES if exists("keypair.name may be an address", call.version) else PLAIN
    if not allowed.fullmatch(name):
        raise Refusal(400, "Keypair data is invalid: Keypair name contains unsafe characters")
    user_id, kind = _user(call, asked.get("user_id")), asked.get("type", "ssh")
    await _require_few(call, user_id)
    if public_key is None:
        made = generate_certificate if kind == "x509" else generate
        public_key, private_key = await asyncio.to_thread(made, user_id, call.dependencies.clock())
    marks = certificate_fingerprint(public_key) if kind == "x509" else fingerprint(public_key)
    saved = await _record(call, user_id, name, (kind, public_key, marks))
    body = {"name": name, "public_key": public_key, "fingerprint": marks, "user_id": user_id}
    if exists("keypair.type", call.version):
        body["type"] = kind
    if private_key is not None:
        body["private_key"] = private_key
    created = 201 if exists("keypair.created is 201", call.version) else 200
    return answer({"keypair": body}, created, position=saved.position)


async def delete_keypair(call: Call) -> Response:
    """204 (202 before 2.2); 404."""
    row = await _visible(call)
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        KeyPair, row["id"], lambda pair: delete_key(pair, at=at), call.author
    )
    return empty(204 if exists("keypair.created is 201", call.version) else 202, position=saved.position)


async def _require_few(call: Call, user_id: str) -> None:
    """Pass when the user may have another one, as far as the read model knows. Raises Refusal 403."""
    own = select(func.count()).where(keypairs.c.user_id == user_id, keypairs.c.deleted.is_(False))

    def ask(connection: Connection) -> tuple[int, int]:
        most = quota_of(connection, call.project_id).limits["key_pairs"]
        return int(connection.execute(own).scalar() or 0), most

    count, most = await call.dependencies.reads.query(ask)
    if most != UNLIMITED and count >= most:
        raise Refusal(403, "Quota exceeded, too many key pairs.")


async def _record(call: Call, user_id: str, name: str, key: tuple[str, str, str]) -> Saved[KeyPair]:
    """The name's first key, or another one after that was deleted; both meet in the name's own stream."""
    at, commands = call.dependencies.clock(), call.dependencies.commands
    kind, public_key, marks = key
    pair = import_key(user_id=user_id, name=name, public_key=public_key, fingerprint=marks, key_type=kind, at=at)
    try:
        return await commands.create(pair, call.author)
    except AppendConflict:
        return await commands.execute(
            KeyPair,
            keypair_id(user_id, name),
            lambda used: import_again(used, public_key=public_key, fingerprint=marks, key_type=kind, at=at),
            call.author,
        )


async def _visible(call: Call) -> RowMapping:
    user_id, name = _user(call, call.query.get("user_id")), call.path["name"]
    one = select(keypairs).where(keypairs.c.user_id == user_id, keypairs.c.name == name, keypairs.c.deleted.is_(False))
    row = await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())
    if row is None:
        raise Refusal(404, f"Keypair {name} not found for user {user_id}")
    return row


def _user(call: Call, asked: str | None) -> str:
    """Whose key pairs: the caller's own, or (2.10, administrators) another user's. Raises NotAllowed."""
    if asked is None or asked == call.caller.user_id or not exists("keypair.user_id", call.version):
        return call.caller.user_id
    call.require("os_compute_api:os-keypairs:other_users")
    return asked


def _brief(row: RowMapping, version: Version) -> dict[str, Any]:
    body = {"name": row["name"], "public_key": row["public_key"], "fingerprint": row["fingerprint"]}
    if exists("keypair.type", version):
        body["type"] = row["type"]
    return body


@lru_cache(maxsize=128)
def _schema(version: Version) -> BodySchema:
    fields: dict[str, Any] = {
        "name": {"type": "string", "minLength": 1, "maxLength": 255},
        "public_key": {"type": "string", "maxLength": 16384},
    }
    if exists("keypair.type", version):
        fields["type"] = {"type": "string", "enum": ["ssh", "x509"]}
    if exists("keypair.user_id", version):
        fields["user_id"] = {"type": "string", "minLength": 1, "maxLength": 255}
    required = ["name"] if exists("keypair.can be generated", version) else ["name", "public_key"]
    return BodySchema(
        {
            "type": "object",
            "properties": {
                "keypair": {
                    "type": "object",
                    "properties": fields,
                    "required": required,
                    "additionalProperties": False,
                }
            },
            "required": ["keypair"],
            "additionalProperties": False,
        }
    )
