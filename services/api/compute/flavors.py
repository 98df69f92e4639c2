"""Flavors: the sizes on offer. Source: compute API reference, "Flavors"."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, or_, select
from starlette.responses import Response

from domain.flavor import Flavor, create_flavor, delete_flavor, replace_flavor, token_of
from domain.flavor_changes import describe_flavor, set_rxtx_factor
from journal.errors import AppendConflict
from journal.repository import Saved
from projections.tables import flavor_access, flavors
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.links import links, next_link
from services.api.compute.microversions import Version, exists
from services.api.compute.paging import Order, after, limit_of, page
from services.api.errors import Refusal
from services.api.schema import FALSE_WORDS, BodySchema, QuerySchema, is_true

SORT_KEYS: Mapping[str, ColumnElement[Any]] = {
    "created_at": flavors.c.created_position,
    "updated_at": flavors.c.created_position,
    "id": flavors.c.created_position,
    "flavorid": flavors.c.id,
    "name": flavors.c.name,
    "memory_mb": flavors.c.ram,
    "vcpus": flavors.c.vcpus,
    "root_gb": flavors.c.disk,
    "ephemeral_gb": flavors.c.ephemeral,
    "swap": flavors.c.swap,
    "is_public": flavors.c.is_public,
    "disabled": flavors.c.created_position,
    "rxtx_factor": flavors.c.created_position,
    "vcpu_weight": flavors.c.created_position,
}

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": {"type": "string"},
    "is_public": {"type": "string"},
    "minRam": {"type": "string", "pattern": "^[0-9]{1,9}$"},
    "minDisk": {"type": "string", "pattern": "^[0-9]{1,9}$"},
    "sort_key": {"type": "string", "enum": sorted(SORT_KEYS)},
    "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
}
_LENIENT, _STRICT = QuerySchema(_PARAMETERS), QuerySchema(_PARAMETERS, strict=True)


def flavor_body(row: Mapping[Any, Any], base: str, version: Version) -> dict[str, Any]:
    """A flavor in full."""
    body: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "ram": row["ram"],
        "disk": row["disk"],
        "swap": row["swap"] or (0 if exists("flavor.swap is a number", version) else ""),
        "OS-FLV-EXT-DATA:ephemeral": row["ephemeral"],
        "OS-FLV-DISABLED:disabled": False,
        "vcpus": row["vcpus"],
        "os-flavor-access:is_public": row["is_public"],
        "rxtx_factor": row["rxtx_factor"],
        "links": links(base, "flavors", row["id"]),
    }
    if exists("flavor.description", version):
        body["description"] = row["description"]
    if exists("flavor.extra_specs", version):
        body["extra_specs"] = row["extra_specs"]
    return body


def _brief(row: RowMapping, base: str, version: Version) -> dict[str, Any]:
    body = {"id": row["id"], "name": row["name"], "links": links(base, "flavors", row["id"])}
    if exists("flavor.description", version):
        body["description"] = row["description"]
    return body


async def list_flavors(call: Call) -> Response:
    """200; 400 for a wrong query. Source: "List Flavors"."""
    rows, more = await _listed(call)
    base = call.dependencies.public_url
    return _listing(call, [_brief(row, base, call.version) for row in rows], "/v2.1/flavors", more)


async def list_flavors_detailed(call: Call) -> Response:
    """The same, in full. Source: "List Flavors With Details"."""
    rows, more = await _listed(call)
    base = call.dependencies.public_url
    return _listing(call, [flavor_body(row, base, call.version) for row in rows], "/v2.1/flavors/detail", more)


async def show_flavor(call: Call) -> Response:
    """200; 404. Source: "Show Flavor Details"."""
    row = await visible_flavor(call)
    return answer({"flavor": flavor_body(row, call.dependencies.public_url, call.version)})


async def create(call: Call) -> Response:
    """200; 400; 409 when its id or its name is taken. Source: "Create Flavor"."""
    asked = _create_schema(call.version).check(await call.json())["flavor"]
    flavor_id = asked.get("id")
    flavor_id = call.dependencies.new_id() if flavor_id in (None, "auto") else str(flavor_id)
    same_name = select(flavors.c.id).where(flavors.c.name == asked["name"], flavors.c.deleted.is_(False))
    if await call.dependencies.reads.query(lambda connection: connection.execute(same_name).first()) is not None:
        raise Refusal(409, f"Flavor with name {asked['name']} already exists.")
    at = call.dependencies.clock()
    flavor = create_flavor(
        flavor_id,
        name=asked["name"],
        vcpus=int(asked["vcpus"]),
        ram=int(asked["ram"]),
        disk=int(asked["disk"]),
        ephemeral=int(asked.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        swap=int(asked.get("swap", 0)),
        is_public=is_true(asked.get("os-flavor-access:is_public", True)),
        description=asked.get("description"),
        at=at,
    )
    factor = float(asked.get("rxtx_factor", 1.0))
    set_rxtx_factor(flavor, factor, at=at)
    saved = await _record(call, flavor, factor)
    made = saved.aggregate
    body = flavor_body({**made.document(), "rxtx_factor": made.rxtx_factor}, call.dependencies.public_url, call.version)
    return answer({"flavor": body}, position=saved.position)


async def _record(call: Call, flavor: Flavor, factor: float) -> Saved[Flavor]:
    """The id's first flavor, or another one after that was deleted; both meet in the id's own stream."""
    at, commands = call.dependencies.clock(), call.dependencies.commands
    try:
        return await commands.create(flavor, call.author)
    except AppendConflict:

        def replace(deleted: Flavor) -> None:
            replace_flavor(deleted, flavor, at=at)
            set_rxtx_factor(deleted, factor, at=at)

        return await commands.execute(Flavor, flavor.id, replace, call.author)


async def update(call: Call) -> Response:
    """200; 400; 404. Source: "Update Flavor Description"."""
    description = _UPDATE.check(await call.json())["flavor"]["description"]
    row, at = await visible_flavor(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Flavor, token_of(row["id"]), lambda flavor: describe_flavor(flavor, description, at=at), call.author
    )
    shown = flavor_body({**row, "description": description}, call.dependencies.public_url, call.version)
    return answer({"flavor": shown}, position=saved.position)


async def delete(call: Call) -> Response:
    """202; 404. Instances that have it keep it. Source: "Delete Flavor"."""
    row = await visible_flavor(call)
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Flavor, token_of(row["id"]), lambda flavor: delete_flavor(flavor, at=at), call.author
    )
    return empty(202, position=saved.position)


async def visible_flavor(call: Call) -> RowMapping:
    """The flavor that the path names, when the caller may know of it. Raises Refusal 404."""
    flavor_id = call.path["id"]
    one = _seen_by(call).where(flavors.c.id == flavor_id)
    row = await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())
    if row is None:
        raise Refusal(404, f"Flavor {flavor_id} could not be found.")
    return row


def _seen_by(call: Call) -> Select[Any]:
    seen = select(flavors).where(flavors.c.deleted.is_(False))
    return seen if call.caller.is_admin else seen.where(may_use(call.project_id))


def may_use(project_id: str) -> ColumnElement[bool]:
    """That a flavor is public, or private and open to a project."""
    granted = select(flavor_access.c.flavor_id).where(flavor_access.c.project_id == project_id)
    return or_(flavors.c.is_public.is_(True), flavors.c.id.in_(granted))


def _listing(call: Call, found: list[dict[str, Any]], path: str, more: str | None) -> Response:
    listing: dict[str, Any] = {"flavors": found}
    if more is not None:
        listing["flavors_links"] = next_link(call.dependencies.public_url, path, call.query, more)
    return answer(listing)


async def _listed(call: Call) -> tuple[Sequence[RowMapping], str | None]:
    query = call.query
    schema = _STRICT if exists("flavors.unknown parameters are refused", call.version) else _LENIENT
    schema.check({name: [value] for name, value in query.items()})
    limit = limit_of(query.get("limit"))
    seen = _seen_by(call)
    if call.caller.is_admin:
        asked = query.get("is_public", "true").lower()
        if asked != "none":
            seen = seen.where(flavors.c.is_public.is_(asked not in FALSE_WORDS))
    if "minRam" in query:
        seen = seen.where(flavors.c.ram >= int(query["minRam"]))
    if "minDisk" in query:
        seen = seen.where(flavors.c.disk >= int(query["minDisk"]))
    down = query.get("sort_dir", "asc") == "desc"
    order = [Order(SORT_KEYS[query.get("sort_key", "flavorid")], down), Order(flavors.c.id, down)]
    marker = query.get("marker")

    def ask(connection: Connection) -> Sequence[RowMapping]:
        wanted = seen
        if marker:
            this = or_(flavors.c.id == marker)
            wanted = wanted.where(after(connection, order, this, f"marker [{marker}] not found"))
        return connection.execute(page(wanted, order, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    return rows, rows[-1]["id"] if "limit" in query and rows and len(rows) == limit else None


_DESCRIPTION: Mapping[str, Any] = {
    "type": ["string", "null"],
    "maxLength": 65535,
    "pattern": "^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$",
}
_UPDATE = BodySchema(
    {
        "type": "object",
        "properties": {
            "flavor": {
                "type": "object",
                "properties": {"description": _DESCRIPTION},
                "required": ["description"],
                "additionalProperties": False,
            }
        },
        "required": ["flavor"],
        "additionalProperties": False,
    }
)


def _amount(least: int) -> dict[str, Any]:
    return {"type": ["integer", "string"], "pattern": "^[0-9]{1,9}$", "minimum": least, "maximum": 2**31 - 1}


@lru_cache(maxsize=128)
def _create_schema(version: Version) -> BodySchema:
    fields: dict[str, Any] = {
        "name": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"},
        "id": {
            "type": ["string", "number", "null"],
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^(?! )[a-zA-Z0-9. _-]+(?<! )$",
        },
        "ram": _amount(1),
        "vcpus": _amount(1),
        "disk": _amount(0),
        "OS-FLV-EXT-DATA:ephemeral": _amount(0),
        "swap": _amount(0),
        "rxtx_factor": {
            "type": ["number", "string"],
            "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$",
            "minimum": 0,
            "exclusiveMinimum": True,
            "maximum": 3.40282e38,
        },
        "os-flavor-access:is_public": {"type": ["boolean", "string"], "format": "boolean"},
    }
    if exists("flavor.description", version):
        fields["description"] = _DESCRIPTION
    return BodySchema(
        {
            "type": "object",
            "properties": {
                "flavor": {
                    "type": "object",
                    "properties": fields,
                    "required": ["name", "ram", "vcpus", "disk"],
                    "additionalProperties": False,
                }
            },
            "required": ["flavor"],
            "additionalProperties": False,
        }
    )
