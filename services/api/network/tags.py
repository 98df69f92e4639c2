"""Tags of networks, subnets, ports and security groups. Source: networking API reference v2.0, "Standard Attributes Tag"."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.aggregate import Aggregate
from domain.network.network import Network, change_network
from domain.network.port import change_port
from domain.network.subnet import change_subnet
from domain.security_group.group import SecurityGroup, change_group
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal
from services.api.network import rows
from services.api.network.asked import TAGS
from services.api.schema import BodySchema

BODY = BodySchema({"type": "object", "properties": {"tags": TAGS}, "required": ["tags"]})


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A kind of resource: how one is found, in which aggregate it lies, and how that changes its tags."""

    find: Callable[[Call, str], Awaitable[RowMapping]]
    kind: type[Aggregate]
    key: str  # the column that has the aggregate's id
    change: Callable[..., None]
    owner: str = "project_id"


TAGGED: Mapping[str, _Tagged] = {
    "networks": _Tagged(rows.network, Network, "id", change_network),
    "subnets": _Tagged(rows.subnet, Network, "network_id", change_subnet),
    "ports": _Tagged(rows.port, Network, "network_id", change_port, "owner"),
    "security-groups": _Tagged(rows.group, SecurityGroup, "id", change_group),
}
"""By collection."""


class Tags:
    """The tags of the resources of one collection."""

    def __init__(self, collection: str) -> None:
        self._tagged = TAGGED[collection]

    async def show(self, call: Call) -> Response:
        """200; 404."""
        return answer({"tags": (await self._row(call))["tags"]})

    async def replace(self, call: Call) -> Response:
        """200; 400; 403; 404."""
        tags = sorted(set(BODY.check(await call.json())["tags"]))
        return answer({"tags": tags}, position=await self._record(call, tags))

    async def remove_all(self, call: Call) -> Response:
        """204; 403; 404."""
        return empty(204, position=await self._record(call, []))

    async def show_one(self, call: Call) -> Response:
        """204; 404."""
        self._require(call, (await self._row(call))["tags"])
        return empty(204)

    async def add(self, call: Call) -> Response:
        """201; 400; 403; 404."""
        tags = sorted({*(await self._row(call))["tags"], call.path["tag"]})
        BODY.check({"tags": tags})
        return empty(201, position=await self._record(call, tags))

    async def remove(self, call: Call) -> Response:
        """204; 403; 404."""
        tags = (await self._row(call))["tags"]
        self._require(call, tags)
        return empty(204, position=await self._record(call, [tag for tag in tags if tag != call.path["tag"]]))

    async def _row(self, call: Call) -> RowMapping:
        return await self._tagged.find(call, call.path["id"])

    def _require(self, call: Call, tags: list[str]) -> None:
        if call.path["tag"] not in tags:
            raise Refusal(404, f"Tag {call.path['tag']} could not be found.", kind="TagNotFound")

    async def _record(self, call: Call, tags: list[str]) -> int:
        row = await self._row(call)
        if row[self._tagged.owner] != call.project_id and not call.caller.is_admin:
            raise NotAllowed("update_tags")
        parts: dict[str, Any] = {"changes": {"tags": tags}, "at": call.dependencies.clock()}
        if self._tagged.change is change_port:
            parts["port"] = row["id"]
        decide = partial(self._tagged.change, **parts)
        saved = await call.dependencies.commands.execute(self._tagged.kind, row[self._tagged.key], decide, call.author)
        return saved.position
