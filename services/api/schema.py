"""JSON Schema for bodies and query strings, compiled once, with errors in Nova's words."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jsonschema import Draft4Validator, FormatChecker

from services.api.errors import Refusal

FORMATS = FormatChecker(formats=())


class InvalidName(ValueError):
    """A name with characters that cannot be shown, or with blanks around it."""


@FORMATS.checks("name", InvalidName)
def _name(value: object) -> bool:
    if isinstance(value, str) and (not value.isprintable() or value != value.strip()):
        raise InvalidName(
            "An invalid 'name' value was provided. The name must be: printable characters. "
            "Can not start or end with whitespace."
        )
    return True


@FORMATS.checks("uuid", ValueError)
def _uuid(value: object) -> bool:
    return not isinstance(value, str) or is_uuid(value)


@FORMATS.checks("base64")
def _base64(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


@FORMATS.checks("ipv4")
def _ipv4(value: object) -> bool:
    try:
        ipaddress.IPv4Address(str(value))
    except ValueError:
        return False
    return True


@FORMATS.checks("ipv6")
def _ipv6(value: object) -> bool:
    try:
        ipaddress.IPv6Address(str(value))
    except ValueError:
        return False
    return True


@FORMATS.checks("ip-address")
def _ip(value: object) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


@FORMATS.checks("regex")
def _regex(value: object) -> bool:
    try:
        re.compile(str(value))
    except re.error:
        return False
    return True


@FORMATS.checks("boolean")
def _boolean(value: object) -> bool:
    return str(value).lower() in TRUE_WORDS | FALSE_WORDS


TRUE_WORDS = frozenset({"1", "t", "true", "on", "y", "yes"})
FALSE_WORDS = frozenset({"0", "f", "false", "off", "n", "no"})


def is_true(value: object) -> bool:
    """Whether a client means true: JSON true, or one of the words for it."""
    return str(value).lower() in TRUE_WORDS


def is_uuid(value: str) -> bool:
    """Whether it is a UUID in its usual form, with or without hyphens."""
    try:
        return str(UUID(value)).replace("-", "") == value.lower().replace("-", "")
    except ValueError:
        return False


class BodySchema:
    """What a body must look like."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = Draft4Validator(schema, format_checker=FORMATS)

    def check(self, body: Any) -> Any:
        """Pass a body that is right. Raises Refusal 400 naming the first thing that is wrong."""
        error = next(self._validator.iter_errors(body), None)
        if error is None:
            return body
        if isinstance(error.cause, InvalidName):
            raise Refusal(400, str(error.cause))
        if not error.absolute_path:
            raise Refusal(400, error.message)
        raise Refusal(
            400,
            f"Invalid input for field/attribute {error.absolute_path[-1]}. Value: {error.instance}. {error.message}",
        )


class QuerySchema:
    """What a query string may hold: a schema for each name. `strict` refuses names that are not there."""

    def __init__(self, parameters: Mapping[str, Mapping[str, Any]], *, strict: bool = False) -> None:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: {"type": "array", "items": dict(schema)} for name, schema in parameters.items()},
        }
        if strict:
            schema |= {"patternProperties": {"^_": {}}, "additionalProperties": False}
        self._validator = Draft4Validator(schema, format_checker=FORMATS)

    def check(self, query: Mapping[str, list[str]]) -> None:
        """Pass a query that is right. Raises Refusal 400."""
        error = next(self._validator.iter_errors(query), None)
        if error is None:
            return
        if not error.absolute_path:
            raise Refusal(400, error.message)
        name = error.absolute_path[0]
        raise Refusal(400, f"Invalid input for query parameters {name}. Value: {error.instance}. {error.message}")
