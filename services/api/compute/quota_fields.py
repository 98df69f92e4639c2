"""What quota sets and quota class sets show and take, in each microversion: one table of resources."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from domain.project.quota import DEFAULTS
from services.api.compute.microversions import Version, exists
from services.api.schema import BodySchema

SPANS: Mapping[str, str] = {
    "injected_files": "limit.personality",
    "injected_file_content_bytes": "limit.personality",
    "injected_file_path_bytes": "limit.personality",
    "floating_ips": "limit.network",
    "fixed_ips": "limit.network",
    "security_groups": "limit.network",
    "security_group_rules": "limit.network",
}
"""Resource → when quota sets have it; those that are not named are always there."""

CLASS_SPANS: Mapping[str, str] = {
    **SPANS,
    **{name: "quota class.network" for name, span in SPANS.items() if span == "limit.network"},
    "server_groups": "quota class.server_groups",
    "server_group_members": "quota class.server_groups",
}
"""The same of quota class sets, which lagged behind."""

_LIMIT = {"type": ["integer", "string"], "pattern": "^-?[0-9]{1,10}$", "minimum": -1, "maximum": 2**31 - 1}
_FORCE = {"type": ["boolean", "string"], "format": "boolean"}


def shown(limits: Mapping[str, Any], version: Version, spans: Mapping[str, str] = SPANS) -> dict[str, Any]:
    """Of limits by resource, those that a microversion shows."""
    return {name: limits[name] for name in DEFAULTS if exists(spans.get(name, ""), version)}


@lru_cache(maxsize=256)
def update_schema(version: Version, *, of_class: bool) -> BodySchema:
    """The body of a change."""
    key, spans = ("quota_class_set", CLASS_SPANS) if of_class else ("quota_set", SPANS)
    fields: dict[str, Any] = {name: _LIMIT for name in DEFAULTS if exists(spans.get(name, ""), version)}
    if not of_class:
        fields["force"] = _FORCE
    return BodySchema(
        {
            "type": "object",
            "properties": {key: {"type": "object", "properties": fields, "additionalProperties": False}},
            "required": [key],
            "additionalProperties": False,
        }
    )


def limits_in(body: Mapping[str, Any]) -> dict[str, int]:
    """The limits that a body names."""
    return {name: int(value) for name, value in body.items() if name in DEFAULTS}
