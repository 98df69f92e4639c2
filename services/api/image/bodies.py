"""What the image API says of an image, and what may be said of a new one. Source: image service API reference v2."""

from collections.abc import Mapping
from typing import Any

from services.api.errors import Refusal
from services.api.image.visibility import VISIBILITIES
from services.api.schema import BodySchema

TAG_LENGTH = 255
_TEXT = {"type": ["string", "null"], "maxLength": 255}
_GIB = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}

CREATE: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string", "format": "uuid"},
    "name": _TEXT,
    "disk_format": {"type": ["string", "null"]},
    "container_format": {"type": ["string", "null"], "enum": [None, "bare"]},
    "visibility": {"type": "string", "enum": list(VISIBILITIES)},
    "min_disk": _GIB,
    "min_ram": _GIB,
    "protected": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": TAG_LENGTH}, "maxItems": 128},
    "os_hidden": {"type": "boolean"},
}
"""What a new image may be given; everything else is a property of its own, a text."""

CREATE_SCHEMA = BodySchema(
    {
        "type": "object",
        "properties": dict(CREATE),
        "additionalProperties": {"type": "string", "maxLength": 65535},
    }
)

READ_ONLY = frozenset(
    {
        "checksum", "created_at", "direct_url", "file", "locations", "os_hash_algo", "os_hash_value", "owner", "schema",
        "self", "size", "status", "stores", "updated_at", "virtual_size",
    }
)  # fmt: skip
PROPERTIES_LIMIT = 128


def new_image(body: Any, project_id: str) -> dict[str, Any]:
    """The parts of a new image. Raises Refusal 400, 403."""
    for name in body if isinstance(body, dict) else ():
        if name in READ_ONLY and not (name == "owner" and body[name] == project_id):
            raise Refusal(403, f"Attribute '{name}' is read-only.")
    CREATE_SCHEMA.check(body)
    properties = {name: value for name, value in body.items() if name not in CREATE and name not in READ_ONLY}
    if len(properties) > PROPERTIES_LIMIT:
        raise Refusal(
            413, f"The limit has been exceeded on the number of allowed image properties: {PROPERTIES_LIMIT}."
        )
    parts: dict[str, Any] = {
        name: body[name]
        for name in (
            "name",
            "disk_format",
            "container_format",
            "visibility",
            "min_disk",
            "min_ram",
            "protected",
            "tags",
        )
        if body.get(name) is not None
    }
    if "tags" in parts:
        parts["tags"] = list(dict.fromkeys(parts["tags"]))
    return {**parts, "properties": properties, "hidden": body.get("os_hidden", False)}


def image_body(row: Mapping[Any, Any]) -> dict[str, Any]:
    """An image, with its own properties beside the others."""
    image_id = row["id"]
    return {
        **row["properties"],
        "id": image_id,
        "name": row["name"],
        "status": row["status"],
        "visibility": row["visibility"],
        "owner": row["project_id"],
        "size": row["size"],
        "virtual_size": row["virtual_size"],
        "checksum": row["checksum_md5"],
        "os_hash_algo": None if row["checksum"] is None else "sha512",
        "os_hash_value": row["checksum"],
        "os_hidden": row["hidden"],
        "disk_format": row["disk_format"],
        "container_format": row["container_format"],
        "min_disk": row["min_disk"],
        "min_ram": row["min_ram"],
        "protected": row["protected"],
        "tags": row["tags"],
        "created_at": row["created_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": row["updated_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "self": f"/v2/images/{image_id}",
        "file": f"/v2/images/{image_id}/file",
        "schema": "/v2/schemas/image",
    }
