"""What a body asks for: one resource under its name, with attributes that are known, in Neutron's words where they are not."""

from collections.abc import Mapping
from typing import Any

from services.api.call import Call
from services.api.errors import Refusal
from services.api.schema import BodySchema

NAME = {"type": "string", "maxLength": 255}
TAGS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}, "maxItems": 50}


def only(*values: Any) -> dict[str, Any]:
    """The schema of an attribute that is what it is: clients may say so, and cannot change it."""
    return {"enum": list(values)}


class Resource:
    """A kind of resource: what may be said of a new one, and of one that is there."""

    def __init__(
        self,
        name: str,
        create: Mapping[str, Any],
        *,
        update: tuple[str, ...],
        required: tuple[str, ...] = (),
    ) -> None:
        self._name = name
        self._required = required
        self._create = dict(create)
        self._update = {attribute: create[attribute] for attribute in update}

    async def new(self, call: Call) -> dict[str, Any]:
        """What a new resource shall be, without attributes that are only confirmed. Raises Refusal 400."""
        asked = self._read(await call.json(), self._create)
        for attribute in self._required:
            if asked.get(attribute) is None:
                raise Refusal(400, f"Failed to parse request. Required attribute '{attribute}' not specified")
        return asked

    async def changes(self, call: Call) -> dict[str, Any]:
        """What shall be different. Raises Refusal 400."""
        body = await call.json()
        for attribute in self._inner(body):
            if attribute in self._create and attribute not in self._update:
                raise Refusal(400, f"Cannot update read-only attribute {attribute}")
        return self._read(body, self._update)

    def _read(self, body: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
        asked = self._inner(body)
        if unknown := sorted(set(asked) - set(attributes)):
            raise Refusal(400, f"Unrecognized attribute(s) '{', '.join(unknown)}'")
        BodySchema({"type": "object", "properties": dict(attributes)}).check(asked)
        return asked

    def _inner(self, body: Any) -> dict[str, Any]:
        inner = body.get(self._name) if isinstance(body, dict) else None
        if not isinstance(inner, dict):
            raise Refusal(400, f"Unable to find '{self._name}' in request body")
        return inner


def project_of(call: Call, asked: dict[str, Any]) -> str:
    """Whose the new resource is: the caller's project's, or, for administrators, another's. Takes it from what was asked.

    Raises Refusal 400.
    """
    named = {asked.pop(name) for name in ("project_id", "tenant_id") if name in asked}
    if not named or named == {call.project_id}:
        return call.project_id
    if len(named) > 1:
        raise Refusal(400, "'project_id' and 'tenant_id' do not match")
    if not call.caller.is_admin:
        raise Refusal(
            400,
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin "
            "privileges",
        )
    return str(named.pop())


PROJECT = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]*$"}
OWNED: Mapping[str, Any] = {"project_id": PROJECT, "tenant_id": PROJECT, "name": NAME, "description": NAME}
