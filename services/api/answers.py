"""Answers: JSON by orjson, and those without a body."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

JSON = "application/json"
POSITION = "X-Event-Position"


def answer(
    body: Any, status: int = 200, *, headers: Mapping[str, str] | None = None, position: int | None = None
) -> Response:
    """A JSON answer; `position` is that of the event which a command appended."""
    return Response(orjson.dumps(body), status, _with_position(headers, position), media_type=JSON)


def empty(status: int, *, headers: Mapping[str, str] | None = None, position: int | None = None) -> Response:
    """An answer without a body."""
    return Response(None, status, _with_position(headers, position), media_type=JSON)


def _with_position(headers: Mapping[str, str] | None, position: int | None) -> dict[str, str]:
    made = dict(headers or {})
    if position is not None:
        made[POSITION] = str(position)
    return made
