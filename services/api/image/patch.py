"""Patches: how clients change an image. A JSON patch with paths of one segment, and of two within tags.

Source: image service API reference v2, "Update image"; RFC 6902 and 6901.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import Conflict
from domain.image.image import Image
from services.api.errors import Refusal
from services.api.image.bodies import CREATE, CREATE_SCHEMA, PROPERTIES_LIMIT, READ_ONLY

MEDIA_TYPES = frozenset(
    {"application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch"}
)
PARTS = {name: {"os_hidden": "hidden"}.get(name, name) for name in CREATE if name != "id"}
"""What is no property of the image's own: by its name for clients, what it is called in the domain."""
OPERATIONS_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a patch."""

    op: str  # add | replace | remove
    path: tuple[str, ...]
    value: Any = None


def operations(body: Any) -> list[Operation]:
    """The steps of a patch. Raises Refusal 400, 413."""
    if not isinstance(body, list) or not all(isinstance(step, dict) for step in body):
        raise Refusal(400, "Request body must be a JSON array of operation objects.")
    if len(body) > OPERATIONS_LIMIT:
        raise Refusal(413, f"A patch may have at most {OPERATIONS_LIMIT} operations.")
    return [_operation(step) for step in body]


def _operation(step: dict[str, Any]) -> Operation:
    op, path = step.get("op"), step.get("path")
    if op not in ("add", "replace", "remove"):
        raise Refusal(400, f"Operations must be one of add, replace, remove: {op!r} is none of them.")
    if not isinstance(path, str) or not path.startswith("/") or path.endswith("/"):
        raise Refusal(400, f"Invalid JSON pointer for this resource: {path!r}")
    if op != "remove" and "value" not in step:
        raise Refusal(400, f'Operation "{op}" requires a member named "value".')
    segments = tuple(segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/"))
    if len(segments) != 1 and not (len(segments) == 2 and segments[0] == "tags"):  # noqa: PLR2004
        raise Refusal(400, f"Invalid JSON pointer for this resource: '{path}'")
    return Operation(op, segments, step.get("value"))


def changes_of(image: Image, steps: Sequence[Operation], require: Callable[[str], None]) -> dict[str, Any]:
    """What a patch changes in an image, one step after another. `require` passes when the caller may do more than others.

    Raises Refusal 400, 403, 413, Conflict for what is not there, and what `require` raises.
    """
    parts = {name: getattr(image, name) for name in PARTS.values()}
    properties, changes = dict(image.properties), dict[str, Any]()
    for step in steps:
        name = step.path[0]
        if name == "owner" and step.op == "replace":
            require("set_image_owner")
            changes["project_id"] = _checked_owner(step.value)
        elif name in READ_ONLY or name == "id":
            raise Refusal(403, f"Attribute '{name}' is read-only.")
        elif name in PARTS:
            value = _tags(parts["tags"], step) if len(step.path) > 1 else _part(name, step)
            if (name, value) == ("visibility", "public"):
                require("publicize_image")
            parts[PARTS[name]] = changes[PARTS[name]] = value
        else:
            _property(properties, name, step)
    if len(properties) > PROPERTIES_LIMIT:
        sentence = f"The limit has been exceeded on the number of allowed image properties: {PROPERTIES_LIMIT}."
        raise Refusal(413, sentence)
    return {**changes, "properties": properties}


def _part(name: str, step: Operation) -> Any:
    if step.op == "remove":
        raise Refusal(403, f"Property {name} may not be removed.")
    CREATE_SCHEMA.check({name: step.value})
    if step.value is None and name != "name":
        raise Refusal(400, f"Attribute '{name}' must have a value.")
    return list(dict.fromkeys(step.value)) if name == "tags" else step.value


def _tags(tags: Sequence[str], step: Operation) -> list[str]:
    """One tag of the list: `/tags/0`, or `/tags/-` for one more."""
    changed, index = list(tags), step.path[1]
    number = len(changed) if index == "-" and step.op == "add" else int(index) if index.isdecimal() else -1
    if not 0 <= number < len(changed) + (step.op == "add"):
        raise Conflict(f"There is no tag {index}.")
    changed[number : number + (step.op != "add")] = [] if step.op == "remove" else [step.value]
    CREATE_SCHEMA.check({"tags": changed})
    return list(dict.fromkeys(changed))


def _property(properties: dict[str, str], name: str, step: Operation) -> None:
    if step.op != "add" and name not in properties:
        raise Conflict(f"Property {name} does not exist.")
    if step.op == "remove":
        del properties[name]
        return
    CREATE_SCHEMA.check({name: step.value})
    properties[name] = step.value


def _checked_owner(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:  # noqa: PLR2004 -- as long as a project's id may be
        raise Refusal(400, "The owner of an image is a project's id.")
    return value
