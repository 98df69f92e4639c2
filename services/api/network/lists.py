"""Lists as Neutron filters them: every field of a resource is a filter, `fields` picks what is shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.paging import limit_of
from services.api.errors import Refusal
from services.api.schema import is_true

NOT_FILTERS = frozenset({"fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse"})
TAG_FILTERS = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})


def listing(call: Call, key: str, found: Iterable[Mapping[str, Any]]) -> Response:
    """A list of what the query asks for. Raises Refusal 400."""
    asked: dict[str, list[str]] = {}
    for name, value in call.request.query_params.multi_items():
        asked.setdefault(name, []).append(value)
    matching = [body for body in found if all(_has(body, name, values) for name, values in asked.items())]
    page = _page(call, _sorted(call, matching))
    listed: dict[str, Any] = {key: [_picked(body, asked.get("fields")) for body in page]}
    if "limit" in asked and page and len(page) == limit_of(call.query["limit"]) < len(matching):
        listed[f"{key}_links"] = _next(call, page[-1]["id"])
    return answer(listed)


def one(call: Call, key: str, body: Mapping[str, Any]) -> Response:
    """One resource, with the fields that were asked for."""
    return answer({key: _picked(body, call.request.query_params.getlist("fields"))})


def _sorted(call: Call, found: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By `sort_key` and `sort_dir`, as often as they are given; as they are otherwise. Raises Refusal 400."""
    keys, directions = call.request.query_params.getlist("sort_key"), call.request.query_params.getlist("sort_dir")
    for index in reversed(range(len(keys))):
        key, direction = keys[index], directions[index] if index < len(directions) else "asc"
        if direction not in ("asc", "desc") or any(key not in body for body in found):
            raise Refusal(400, f"Invalid input for operation: cannot sort by {key}:{direction}.")
        found = sorted(found, key=lambda body, key=key: str(body[key]), reverse=direction == "desc")  # type: ignore[misc]
    return found


def _next(call: Call, marker: str) -> list[dict[str, str]]:
    asked = [(name, value) for name, value in call.request.query_params.multi_items() if name != "marker"]
    url = f"{call.dependencies.public_url}{call.request.url.path}?{urlencode([*asked, ('marker', marker)])}"
    return [{"rel": "next", "href": url}]


def _tagged(tags: Sequence[str], name: str, values: Sequence[str]) -> bool:
    """`tags` and `not-tags` mean all of those named, `tags-any` and `not-tags-any` one of them."""
    named = {tag for value in values for tag in value.split(",")}
    met = bool(named & set(tags)) if name.endswith("-any") else named <= set(tags)
    return met is not name.startswith("not-")


def _has(body: Mapping[str, Any], name: str, values: Sequence[str]) -> bool:
    """Whether a field has one of the values. What is not a field filters nothing, as some extensions' names are not."""
    if name in TAG_FILTERS and "tags" in body:
        return _tagged(body["tags"], name, values)
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
