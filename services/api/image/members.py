"""Members: projects that a shared image is shared with. Source: image service API reference v2, "Sharing"."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from domain.image.image import Image
from domain.image.sharing import MemberStatus, answer_sharing, share_with, stop_sharing
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.image.rows import changeable, visible
from services.api.image.visibility import SHARED, can_change
from services.api.schema import BodySchema

ADD = BodySchema(
    {
        "type": "object",
        "properties": {"member": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]*$"}},
        "required": ["member"],
    }
)
ANSWER = BodySchema(
    {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": list(MemberStatus)}},
        "required": ["status"],
    }
)


async def list_members(call: Call) -> Response:
    """200: all of them for the owner, and only itself for a member; 403 unless the image is shared; 404."""
    row = await visible(call)
    if row["visibility"] != SHARED:
        raise Refusal(403, "Only shared images have members.")
    shown = [_body(row["id"], each, told) for each, told in row["members"].items() if _may_see(call, row, each)]
    return answer({"members": shown, "schema": "/v2/schemas/members"})


async def show_member(call: Call) -> Response:
    """200; 404."""
    row = await visible(call)
    return answer(_member(call, row))


async def add_member(call: Call) -> Response:
    """200; 400; 403 unless the image is shared and one's own; 404; 409 when it is one."""
    row = await changeable(call)
    member_id = ADD.check(await call.json())["member"]
    if row["visibility"] != SHARED:
        raise Refusal(403, "Only shared images have members.")
    at = call.dependencies.clock()
    return await _record(call, row["id"], member_id, lambda image: share_with(image, member_id, at=at))


async def answer_member(call: Call) -> Response:
    """200; 400; 403 for anybody but the member itself; 404. Only a member says what it thinks of the image."""
    row = await visible(call)
    _member(call, row)
    member_id, at = call.path["member"], call.dependencies.clock()
    status = MemberStatus(ANSWER.check(await call.json())["status"])
    if member_id != call.project_id and not call.caller.is_admin:
        raise Refusal(403, f"You are not permitted to modify the status of member {member_id} of this image.")
    return await _record(call, row["id"], member_id, lambda image: answer_sharing(image, member_id, status, at=at))


async def remove_member(call: Call) -> Response:
    """204; 403; 404."""
    row = await changeable(call)
    _member(call, row)
    member_id, at = call.path["member"], call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Image, row["id"], lambda image: stop_sharing(image, member_id, at=at), call.author
    )
    return empty(204, position=saved.position)


async def _record(call: Call, image_id: str, member_id: str, decide: Callable[[Image], None]) -> Response:
    saved = await call.dependencies.commands.execute(Image, image_id, decide, call.author)
    return answer(_body(image_id, member_id, saved.aggregate.members[member_id]), position=saved.position)


def _member(call: Call, row: Mapping[Any, Any]) -> dict[str, Any]:
    member_id = call.path["member"]
    if member_id not in row["members"] or not _may_see(call, row, member_id):
        raise Refusal(404, f"{member_id} not found in the member list of the image {row['id']}.")
    return _body(row["id"], member_id, row["members"][member_id])


def _may_see(call: Call, row: Mapping[Any, Any], member_id: str) -> bool:
    return can_change(row, call.caller) or member_id == call.project_id


def _body(image_id: str, member_id: str, told: Mapping[str, str]) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "member_id": member_id,
        "status": told["status"],
        "created_at": _second(told["created_at"]),
        "updated_at": _second(told["updated_at"]),
        "schema": "/v2/schemas/member",
    }


def _second(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
