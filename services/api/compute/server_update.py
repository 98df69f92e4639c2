"""`PUT /servers/{id}`: what an owner says of a server. Source: compute API reference, "Update Server"."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from starlette.responses import Response

from domain.instance.details import change_details
from domain.instance.instance import Instance
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.create_schema import DESCRIPTION, NAME, hostname_schema
from services.api.compute.microversions import Version, exists
from services.api.compute.server_fields import plain_addresses, server
from services.api.compute.server_rows import visible
from services.api.schema import BodySchema

PARTS: Mapping[str, str] = {
    "name": "name",
    "description": "description",
    "hostname": "hostname",
    "accessIPv4": "access_ipv4",
    "accessIPv6": "access_ipv6",
    "OS-DCF:diskConfig": "disk_config",
}
"""A body's fields, and what the domain calls them."""

ONLY_IN_FULL = (
    "OS-EXT-", "OS-SRV-USG:", "os-extended-volumes:", "config_drive", "key_name", "security_groups", "host_status",
)  # fmt: skip
"""How fields begin that the answer has since 2.75 only."""


async def update_server(call: Call) -> Response:
    """200 with the server; 400, 404. At any time: no guest is changed by it."""
    asked = _schema(call.version).check(await call.json())["server"]
    row = await visible(call, call.path["id"])
    changes = {PARTS[name]: value for name, value in asked.items()}
    if "name" in changes:
        changes["name"] = changes["name"].strip()
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Instance, row["id"], lambda instance: change_details(instance, **changes, at=at), call.author
    )
    now = await visible(call, row["id"])
    shown = server(now, call.dependencies.public_url, call.version, admin=call.caller.is_admin, shown=True)
    if not exists("update.answers in full", call.version):
        shown = {name: value for name, value in shown.items() if not name.startswith(ONLY_IN_FULL)}
        shown["addresses"] = plain_addresses(now)
    return answer({"server": shown}, position=saved.position)


@lru_cache(maxsize=128)
def _schema(version: Version) -> BodySchema:
    fields: dict[str, Any] = {
        "name": NAME,
        "description": DESCRIPTION,
        "hostname": hostname_schema(version),
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
    }
    known = {name: schema for name, schema in fields.items() if exists(f"update.{name}", version)}
    return BodySchema(
        {
            "type": "object",
            "properties": {"server": {"type": "object", "properties": known, "additionalProperties": False}},
            "required": ["server"],
            "additionalProperties": False,
        }
    )
