"""What a request for a token looks like: `POST /v3/auth/tokens`."""

from typing import Any

from services.api.schema import BodySchema

_SECRET: dict[str, Any] = {"type": "string", "maxLength": 4096}
_REFERENCE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "domain": {"type": "object"}},
}


def _with(required: str, fields: dict[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**(base or {}).get("properties", {}), **fields}
    return {"type": "object", "properties": properties, "required": [required]}


_IDENTITY = _with(
    "methods",
    {
        "methods": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "password": _with("user", {"user": _with("password", {"password": _SECRET}, _REFERENCE)}),
        "token": _with("id", {"id": {"type": "string"}}),
        "application_credential": _with("secret", {"secret": _SECRET, "user": _REFERENCE}, _REFERENCE),
    },
)
AUTH = BodySchema(
    _with(
        "auth",
        {
            "auth": _with(
                "identity",
                {
                    "identity": _IDENTITY,
                    "scope": {"type": ["object", "string"], "properties": {"project": _REFERENCE}},
                },
            )
        },
    )
)
"""Passed by a body that is right as a whole."""
