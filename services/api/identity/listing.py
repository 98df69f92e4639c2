"""Lists, and the filters that all of them know."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table
from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.identity.grants import DOMAIN
from services.api.schema import is_true


def listing(call: Call, key: str, found: Sequence[Mapping[str, Any]]) -> Response:
    """A list as Keystone wraps it."""
    links = {"self": str(call.request.url), "previous": None, "next": None}
    return answer({key: found, "links": links})


def filtered(query: Select[Any], table: Table, asked: Mapping[str, str]) -> Select[Any]:
    """Those that are not deleted, by name: filters name, enabled, domain_id."""
    query = query.where(table.c.deleted.is_(False)).order_by(table.c.name)
    if "name" in asked:
        query = query.where(table.c.name == asked["name"])
    if "enabled" in asked:
        query = query.where(table.c.enabled.is_(is_true(asked["enabled"])))
    if asked.get("domain_id", DOMAIN["id"]) != DOMAIN["id"]:
        query = query.where(table.c.id.is_(None))
    return query


def is_set(query: Mapping[str, str], name: str) -> bool:
    """Whether a flag is set: by its mere presence, unless it says no."""
    return name in query and query[name].lower() not in ("0", "false")
