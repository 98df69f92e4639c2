"""What the body of `POST /servers` must look like, in each microversion. Source: compute API reference, "Create Server"."""

from functools import lru_cache
from typing import Any

from domain.instance.tags import TAG_LIMIT
from services.api.compute.microversions import Version, exists
from services.api.schema import BodySchema

NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
DESCRIPTION = {
    "type": ["string", "null"],
    "minLength": 0,
    "maxLength": 255,
    "pattern": "^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$",
}
TAG = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
_COUNT = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 1}
_BOOLEAN = {"type": ["boolean", "string"], "format": "boolean"}
_UUID = {"type": "string", "format": "uuid"}
_SERVERS = {"oneOf": [_UUID, {"type": "array", "items": _UUID, "minItems": 1, "uniqueItems": True}]}
_HINTS = {"type": "object", "properties": {"group": _UUID, "same_host": _SERVERS, "different_host": _SERVERS}}

METADATA = {
    "type": "object",
    "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255, "pattern": "^[^\x00]*$"}},
    "additionalProperties": False,
}

_NETWORKS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "fixed_ip": {"type": "string", "format": "ip-address"},
            "port": {"oneOf": [_UUID, {"type": "null"}]},
            "uuid": {"type": "string"},
            "tag": {"type": "string", "maxLength": 60},
        },
        "additionalProperties": False,
    },
}

_FIELDS: dict[str, dict[str, Any]] = {
    "name": NAME,
    "imageRef": {"oneOf": [_UUID, {"type": "string", "maxLength": 0}]},
    "flavorRef": {"type": ["string", "integer"], "minLength": 1},
    "adminPass": {"type": "string"},
    "metadata": METADATA,
    "networks": _NETWORKS,
    "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
    "accessIPv4": {"type": "string", "format": "ipv4"},
    "accessIPv6": {"type": "string", "format": "ipv6"},
    "personality": {"type": "array"},
    "availability_zone": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"},
    "block_device_mapping": {"type": "array", "items": {"type": "object"}},
    "block_device_mapping_v2": {"type": "array", "items": {"type": "object"}},
    "config_drive": _BOOLEAN,
    "key_name": {"type": "string", "minLength": 1, "maxLength": 255},
    "min_count": _COUNT,
    "max_count": _COUNT,
    "return_reservation_id": _BOOLEAN,
    "security_groups": {
        "type": "array",
        "items": {"type": "object", "properties": {"name": NAME}, "additionalProperties": False},
    },
    "user_data": {"type": "string", "format": "base64", "maxLength": 65535},
    "os:scheduler_hints": _HINTS,
    "OS-SCH-HNT:scheduler_hints": _HINTS,
    "description": DESCRIPTION,
    "tags": {"type": "array", "items": TAG, "maxItems": TAG_LIMIT},
    "trusted_image_certificates": {"type": ["array", "null"]},
    "host": {"type": "string", "minLength": 1, "maxLength": 255},
    "hypervisor_hostname": {"type": "string", "minLength": 1, "maxLength": 255},
}

_LABEL = {"type": "string", "minLength": 2, "maxLength": 63, "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$"}
_DOMAIN_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-._]*$"}


def hostname_schema(version: Version) -> dict[str, Any]:
    """What a host name may be: a label, or a whole domain name."""
    return _DOMAIN_NAME if exists("hostname may have dots", version) else _LABEL


def create_fields(version: Version) -> dict[str, dict[str, Any]]:
    """What may be said of a server in a microversion, each with its schema."""
    known = {**_FIELDS, "hostname": hostname_schema(version)}
    return {name: schema for name, schema in known.items() if exists(f"create.{name}", version)}


@lru_cache(maxsize=128)
def create_schema(version: Version) -> BodySchema:
    """The schema of a microversion."""
    fields = create_fields(version)
    required = ["name", "flavorRef"]
    if exists("create.networks must be named", version):
        fields["networks"] = {"oneOf": [_NETWORKS, {"type": "string", "enum": ["none", "auto"]}]}
        required.append("networks")
    return BodySchema(
        {
            "type": "object",
            "properties": {
                "server": {
                    "type": "object",
                    "properties": fields,
                    "required": required,
                    "additionalProperties": False,
                },
                "os:scheduler_hints": _HINTS,
                "OS-SCH-HNT:scheduler_hints": _HINTS,
            },
            "required": ["server"],
            "additionalProperties": False,
        }
    )
