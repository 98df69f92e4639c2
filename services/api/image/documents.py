"""What the image API says of itself: its versions, the shapes of what it shows, and how images may be brought in."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.image.sharing import MemberStatus
from services.api.answers import answer
from services.api.call import Call
from services.api.image.bodies import CREATE, READ_ONLY


async def list_versions(call: Call) -> Response:
    """300, without a token."""
    href = f"{call.dependencies.public_url}/image/v2/"
    version = {"id": "v2.15", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}
    return answer({"versions": [version]}, 300)


async def list_versions_again(call: Call) -> Response:
    """200, without a token."""
    response = await list_versions(call)
    response.status_code = 200
    return response


async def show_import(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200: bytes are uploaded, and not imported from elsewhere."""
    methods = {"description": "Import methods available.", "type": "array", "value": []}
    return answer({"import-methods": methods})


async def show_schema(call: Call) -> Response:
    """200; 404: the shape of an image, of a member, and of lists of them, for clients that ask."""
    return answer(SCHEMAS[call.request.url.path.rstrip("/").rpartition("/")[2]]())


def _image() -> dict[str, Any]:
    text: Mapping[str, Any] = {"type": ["null", "string"]}
    read_only = {name: {**text, "readOnly": True} for name in sorted(READ_ONLY)}
    numbers = {name: {"type": ["null", "integer"], "readOnly": True} for name in ("size", "virtual_size")}
    return {
        "name": "image",
        "properties": {**read_only, **numbers, **CREATE},
        "additionalProperties": {"type": "string"},
        "links": [
            {"rel": "self", "href": "{self}"},
            {"rel": "enclosure", "href": "{file}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def _member() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": "member",
        "properties": {
            **dict.fromkeys(("member_id", "image_id", "created_at", "updated_at", "schema"), text),
            "status": {"type": "string", "enum": list(MemberStatus)},
        },
    }


def _images() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": "images",
        "properties": {
            **dict.fromkeys(("first", "next", "schema"), text),
            "images": {"type": "array", "items": _image()},
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def _members() -> dict[str, Any]:
    return {
        "name": "members",
        "properties": {"schema": {"type": "string"}, "members": {"type": "array", "items": _member()}},
        "links": [{"rel": "describedby", "href": "{schema}"}],
    }


SCHEMAS = {"image": _image, "images": _images, "member": _member, "members": _members}
"""By the last segment of the path."""
