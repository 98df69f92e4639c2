"""`/servers/{id}/tags`: words that servers are found by. Source: compute API reference, "Server tags"."""

from collections.abc import Callable

from starlette.responses import Response

from domain.instance.instance import Instance
from domain.instance.tags import TAG_LIMIT, add_tag, remove_all_tags, remove_tag, replace_tags
from journal.repository import Saved
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.create_schema import TAG
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import BodySchema

ALL = BodySchema(
    {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": TAG, "maxItems": TAG_LIMIT}},
        "required": ["tags"],
        "additionalProperties": False,
    }
)
ONE = BodySchema(TAG)
NO_BODY = BodySchema({"type": "null"})


async def list_tags(call: Call) -> Response:
    """200; 404."""
    return answer({"tags": (await visible(call, call.path["id"]))["tags"]})


async def check_tag(call: Call) -> Response:
    """204 when the server has it; 404."""
    tag, row = call.path["tag"], await visible(call, call.path["id"])
    if tag not in row["tags"]:
        raise Refusal(404, f"Server {row['id']} has no tag '{tag}'")
    return empty(204)


async def put_tag(call: Call) -> Response:
    """201 with where it is, 204 when the server had it; 400 for a wrong tag or one too many, 404, 409."""
    tag, at, added = call.path["tag"], call.dependencies.clock(), False
    NO_BODY.check(await call.json())
    try:
        ONE.check(tag)
    except Refusal as wrong:
        raise Refusal(
            400,
            f"Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ','. "
            f"Validation error message: {wrong.message}",
        ) from None

    def decide(instance: Instance) -> None:
        nonlocal added
        added = tag not in instance.tags
        add_tag(instance, tag, at=at)

    saved = await _decide(call, decide)
    if not added:
        return empty(204, position=saved.position)
    where = f"{call.dependencies.public_url}/v2.1/servers/{saved.aggregate.id}/tags/{tag}"
    return empty(201, headers={"Location": where}, position=saved.position)


async def put_tags(call: Call) -> Response:
    """200 with the tags, and no others are left; 400, 404, 409."""
    tags, at = ALL.check(await call.json())["tags"], call.dependencies.clock()
    saved = await _decide(call, lambda instance: replace_tags(instance, tags, at=at))
    return answer({"tags": saved.aggregate.tags}, position=saved.position)


async def delete_tag(call: Call) -> Response:
    """204; 404, 409."""
    tag, at = call.path["tag"], call.dependencies.clock()
    saved = await _decide(call, lambda instance: remove_tag(instance, tag, at=at))
    return empty(204, position=saved.position)


async def delete_tags(call: Call) -> Response:
    """204, also when there were none; 404, 409."""
    at = call.dependencies.clock()
    saved = await _decide(call, lambda instance: remove_all_tags(instance, at=at))
    return empty(204, position=saved.position)


async def _decide(call: Call, decide: Callable[[Instance], None]) -> Saved[Instance]:
    row = await visible(call, call.path["id"])
    return await call.dependencies.commands.execute(Instance, row["id"], decide, call.author)
