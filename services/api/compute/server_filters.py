"""Which servers a list holds: the filters that the compute API knows, each as a condition on rows.

Source: compute API reference, "List Servers", request parameters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from projections.tables import instances, ports
from services.api.compute.microversions import Version, exists
from services.api.compute.paging import Order
from services.api.compute.server_rows import ZONE
from services.api.compute.status import states_of
from services.api.errors import Refusal
from services.api.schema import QuerySchema, is_true

Condition: TypeAlias = ColumnElement[bool]

PATTERN_LIMIT = 255
GREEDY = re.compile(r"(?<!\\)[*+{]")
GROUP = re.compile(r"(?<!\\)[(]")


def matches(column: ColumnElement[str], pattern: str) -> Condition:
    """That a column matches a regular expression of a user.

    Raises Refusal 400 for one that is none, or whose matching could take for ever: groups, and more than two repetitions.
    """
    if len(pattern) > PATTERN_LIMIT or GROUP.search(pattern) or len(GREEDY.findall(pattern)) > 2:  # noqa: PLR2004
        raise Refusal(
            400,
            f"The pattern '{pattern[:PATTERN_LIMIT]}' is too complicated: use at most two repetitions and no groups.",
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise Refusal(400, f"'{pattern}' is not a regular expression: {error}") from None
    return column.regexp_match(pattern)


def moment(name: str, text: str) -> datetime:
    """A time from a query. Raises Refusal 400."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            400, f"Invalid input for query parameters {name}. Value: {text}. '{text}' is not a 'date-time'"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def has_status(status: str) -> Condition:
    """That a server shows a status; nothing for what is no status."""
    cases: list[Condition] = []
    for vm_state, task, other_tasks in states_of(status):
        state = instances.c.vm_state == vm_state
        if task is not None:
            cases.append(and_(state, instances.c.task_state == task))
        elif other_tasks:
            unlike = or_(instances.c.task_state.is_(None), instances.c.task_state.not_in(other_tasks))
            cases.append(and_(state, unlike))
        else:
            cases.append(state)
    return or_(false(), *cases)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: a condition made of its value."""

    condition: Callable[[str], Condition]
    admin: bool = False  # ignored when others use it


def _equals(column: ColumnElement[Any]) -> Callable[[str], Condition]:
    return lambda value: column == value


FILTERS: Mapping[str, Filter] = {
    "name": Filter(lambda value: matches(instances.c.name, value)),
    "hostname": Filter(lambda value: matches(instances.c.hostname, value)),
    "flavor": Filter(_equals(instances.c.flavor_id)),
    "image": Filter(_equals(instances.c.image_id)),
    "ip": Filter(lambda value: instances.c.id.in_(select(ports.c.instance_id).where(matches(ports.c.address, value)))),
    "uuid": Filter(_equals(instances.c.id)),
    "reservation_id": Filter(_equals(instances.c.reservation_id)),
    "changes-since": Filter(lambda value: instances.c.updated_at >= moment("changes-since", value)),
    "changes-before": Filter(lambda value: instances.c.updated_at <= moment("changes-before", value)),
    "availability_zone": Filter(lambda value: ZONE.in_([value])),
    "key_name": Filter(lambda value: instances.c.key["name"].as_string() == value),
    # There are no tags, locks or other things of these kinds: nothing has them.
    "tags": Filter(lambda _: false()),
    "tags-any": Filter(lambda _: false()),
    "locked": Filter(lambda value: false() if is_true(value) else true()),
    "host": Filter(_equals(instances.c.host), admin=True),
    "node": Filter(_equals(instances.c.host), admin=True),
    "user_id": Filter(_equals(instances.c.user_id), admin=True),
    "vm_state": Filter(_equals(instances.c.vm_state), admin=True),
    "task_state": Filter(_equals(instances.c.task_state), admin=True),
    "power_state": Filter(lambda value: instances.c.power_state == int(value), admin=True),
    "launch_index": Filter(lambda value: instances.c.launch_index == int(value), admin=True),
}
"""Filters by the name of their parameter. `status`, `deleted` and the tenants are beside it: they depend on each other."""

NULL_TEXT, NULL_TIME = "", datetime(1, 1, 1, tzinfo=UTC)

SORT_KEYS: Mapping[str, ColumnElement[Any] | None] = {
    "created_at": instances.c.created_at,
    "updated_at": instances.c.updated_at,
    "launched_at": func.coalesce(instances.c.launched_at, NULL_TIME, type_=instances.c.launched_at.type),
    "terminated_at": func.coalesce(instances.c.terminated_at, NULL_TIME, type_=instances.c.terminated_at.type),
    "display_name": instances.c.name,
    "display_description": func.coalesce(instances.c.description, NULL_TEXT),
    "host": func.coalesce(instances.c.host, NULL_TEXT),
    "node": func.coalesce(instances.c.host, NULL_TEXT),
    "hostname": instances.c.hostname,
    "image_ref": func.coalesce(instances.c.image_id, NULL_TEXT),
    "instance_type_id": instances.c.flavor_id,
    "launch_index": instances.c.launch_index,
    "power_state": instances.c.power_state,
    "project_id": instances.c.project_id,
    "task_state": func.coalesce(instances.c.task_state, NULL_TEXT),
    "user_id": instances.c.user_id,
    "uuid": instances.c.id,
    "vm_state": instances.c.vm_state,
    # The same for all servers, or not kept in rows: they sort nothing.
    "access_ip_v4": None,
    "access_ip_v6": None,
    "auto_disk_config": None,
    "availability_zone": ZONE,
    "config_drive": None,
    "kernel_id": None,
    "key_name": None,
    "locked": None,
    "locked_by": None,
    "progress": None,
    "ramdisk_id": None,
    "root_device_name": None,
}

_NUMBER = {"type": "string", "pattern": "^-?[0-9]{1,9}$"}
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"type": "string"} for name in FILTERS},
    "name": {"type": "string", "format": "regex"},
    "ip": {"type": "string", "format": "regex"},
    "hostname": {"type": "string", "format": "regex"},
    "power_state": _NUMBER,
    "launch_index": _NUMBER,
    "status": {"type": "string"},
    "all_tenants": {"type": "string", "format": "boolean"},
    "deleted": {"type": "string", "format": "boolean"},
    "tenant_id": {"type": "string"},
    "project_id": {"type": "string"},
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": {"type": "string"},
    "sort_key": {"type": "string", "enum": sorted(SORT_KEYS)},
    "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
    **{
        name: {}
        for name in (
            "access_ip_v4",
            "access_ip_v6",
            "auto_disk_config",
            "config_drive",
            "created_at",
            "description",
            "display_description",
            "display_name",
            "image_ref",
            "instance_type_id",
            "ip6",
            "kernel_id",
            "launched_at",
            "locked_by",
            "not-tags",
            "not-tags-any",
            "progress",
            "ramdisk_id",
            "root_device_name",
            "soft_deleted",
            "terminated_at",
        )
    },
}
_LENIENT, _STRICT = QuerySchema(_PARAMETERS), QuerySchema(_PARAMETERS, strict=True)


def check_query(query: Mapping[str, list[str]], version: Version) -> None:
    """Pass a query that the microversion allows. Raises Refusal 400."""
    (_STRICT if exists("servers.unknown parameters are refused", version) else _LENIENT).check(query)


def conditions(query: Mapping[str, list[str]], *, admin: bool) -> list[Condition]:
    """What the filters in a query ask for. Raises Refusal 400."""
    return [
        known.condition(query[name][-1])
        for name, known in FILTERS.items()
        if name in query and (admin or not known.admin)
    ]


def order_of(keys: Sequence[str], directions: Sequence[str]) -> list[Order]:
    """How a list is sorted: newest first unless it says otherwise, and always the same for equal keys."""
    order = []
    for number, key in enumerate(keys or ["created_at"]):
        column = SORT_KEYS[key]
        if column is not None:
            order.append(
                Order(column, descending=(directions[number] if number < len(directions) else "desc") == "desc")
            )
    last_down = order[-1].descending if order else True
    return [*order, Order(instances.c.created_position, descending=last_down)]
