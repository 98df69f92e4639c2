"""Lists as Neutron filters them: every field of a resource is a filter, `fields` picks what is shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.paging import limit_of
from services.api.errors import Refusal
from services.api.schema import is_true

NOT_FILTERS = frozenset({"fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse"})


def listing(call: Call, key: str, found: Iterable[Mapping[str, Any]]) -> Response:
    """A list of what the query asks for. Raises Refusal 400."""
    asked: dict[str, list[str]] = {}
    for name, value in call.request.query_params.multi_items():
        asked.setdefault(name, []).append(value)
    matching = [body for body in found if all(_has(body, name, values) for name, values in asked.items())]
    return answer({key: [_picked(body, asked.get("fields")) for body in _page(call, matching)]})


def one(call: Call, key: str, body: Mapping[str, Any]) -> Response:
    """One resource, with the fields that were asked for."""
    return answer({key: _picked(body, call.request.query_params.getlist("fields"))})


def _has(body: Mapping[str, Any], name: str, values: Sequence[str]) -> bool:
    """Whether a field has one of the values. What is not a field filters nothing, as some extensions' names are not."""
    if name in NOT_FILTERS or name not in body:
        return True
    value = body[name]
    if name == "fixed_ips":
        return all(any(_fixed_ip(each, wanted) for each in value) for wanted in values)
    if isinstance(value, bool):
        return any(is_true(wanted) == value for wanted in values)
    if isinstance(value, list):
        return any(wanted in value for wanted in values)
    return str("" if value is None else value) in values


def _fixed_ip(fixed: Mapping[str, str], wanted: str) -> bool:
    """`ip_address=10.0.0.5` or `subnet_id=…`."""
    name, _, value = wanted.partition("=")
    return fixed.get(name) == value


def _page(call: Call, found: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    marker = call.query.get("marker")
    if marker is not None:
        ids = [body["id"] for body in found]
        if marker not in ids:
            raise Refusal(400, f"Invalid input for operation: marker {marker} not found.")
        found = found[ids.index(marker) + 1 :]
    return found[: limit_of(call.query.get("limit"))]


def _picked(body: Mapping[str, Any], fields: Sequence[str] | None) -> Mapping[str, Any]:
    return {name: body[name] for name in fields if name in body} if fields else body
