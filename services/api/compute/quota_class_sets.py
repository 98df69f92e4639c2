"""Quota class sets: the limits of all projects that have none of their own. Source: compute API reference, "Quota class sets"."""

import re

from sqlalchemy import Connection, select
from starlette.responses import Response

from domain.project.quota import QuotaClass, change_quota_class, create_quota_class, limits_of
from journal.errors import AppendConflict
from journal.repository import Saved
from projections.tables import quota_classes
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.quota_fields import CLASS_SPANS, limits_in, shown, update_schema
from services.api.errors import Refusal

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


async def show_quota_class(call: Call) -> Response:
    """200. A class of which nothing is written down has the limits from the first start on."""
    name = call.path["name"]
    one = select(quota_classes.c.limits).where(quota_classes.c.name == name)

    def ask(connection: Connection) -> dict[str, int]:
        return connection.execute(one).scalar() or {}

    limits = limits_of({}, await call.dependencies.reads.query(ask))
    return answer({"quota_class_set": {"id": name, **shown(limits, call.version, CLASS_SPANS)}})


async def update_quota_class(call: Call) -> Response:
    """200; 400. Only the class `default` binds anybody."""
    asked = update_schema(call.version, of_class=True).check(await call.json())["quota_class_set"]
    name = call.path["name"]
    if not NAME.fullmatch(name):
        raise Refusal(400, "A quota class is named by letters, digits, - and _ (at most 255).")
    saved = await _record(call, name, limits_in(asked))
    limits = limits_of({}, saved.aggregate.limits)
    return answer({"quota_class_set": shown(limits, call.version, CLASS_SPANS)}, position=saved.position)


async def _record(call: Call, name: str, limits: dict[str, int]) -> Saved[QuotaClass]:
    """The first limits of the class, or others; both meet in the class's own stream."""
    at, commands = call.dependencies.clock(), call.dependencies.commands
    try:
        return await commands.create(create_quota_class(name, limits, at=at), call.author)
    except AppendConflict:
        return await commands.execute(
            QuotaClass, name, lambda known: change_quota_class(known, limits, at=at), call.author
        )
