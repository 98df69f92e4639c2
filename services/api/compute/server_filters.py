"""Which servers a list holds: the filters that the compute API knows, each as a condition on rows.

Source: compute API reference, "List Servers", request parameters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, String, and_, cast, false, not_, or_, select, true

from domain.instance.state import VmState
from projections.tables import instance_tags, instances, ports
from services.api.compute.microversions import Version, exists
from services.api.compute.server_rows import ZONE
from services.api.compute.status import states_of
from services.api.errors import Refusal
from services.api.schema import is_true

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


def _number(column: ColumnElement[Any]) -> Callable[[str], Condition]:
    return lambda value: column == int(value)


def _matches(column: ColumnElement[Any]) -> Callable[[str], Condition]:
    return lambda value: matches(column, value)


def _begins(column: ColumnElement[Any]) -> Callable[[str], Condition]:
    """A moment may be given to the day, the minute or the second."""
    return lambda value: cast(column, String).startswith(value.replace("T", " ").removesuffix("Z"), autoescape=True)


def _always(wanted: str) -> Callable[[str], Condition]:
    """Of what all servers have the same value."""
    return lambda value: true() if value == wanted else false()


def _config_drive(value: str) -> Condition:
    return instances.c.config_drive.is_(is_true(value))


def _disk_config(value: str) -> Condition:
    return instances.c.disk_config == ("AUTO" if is_true(value) or value == "AUTO" else "MANUAL")


def _soft_deleted(value: str) -> Condition:
    waits = instances.c.vm_state == VmState.SOFT_DELETED.value
    return waits if is_true(value) else ~waits


def _address(value: str) -> Condition:
    return instances.c.id.in_(select(ports.c.instance_id).where(matches(ports.c.address, value)))


def _has_any(tags: str) -> Condition:
    """That a server has one of some tags, written with commas between them."""
    having = select(instance_tags.c.instance_id).where(instance_tags.c.tag.in_(tags.split(",")))
    return instances.c.id.in_(having)


def _has_all(tags: str) -> Condition:
    """That a server has every one of them."""
    return and_(true(), *(_has_any(tag) for tag in set(tags.split(","))))


FILTERS: Mapping[str, Filter] = {
    "name": Filter(_matches(instances.c.name)),
    "hostname": Filter(_matches(instances.c.hostname)),
    "flavor": Filter(_equals(instances.c.flavor_id)),
    "image": Filter(_equals(instances.c.image_id)),
    "ip": Filter(_address),
    "ip6": Filter(lambda _: false()),  # networks have IPv4 addresses only
    "uuid": Filter(_equals(instances.c.id)),
    "reservation_id": Filter(_equals(instances.c.reservation_id)),
    "changes-since": Filter(lambda value: instances.c.updated_at >= moment("changes-since", value)),
    "changes-before": Filter(lambda value: instances.c.updated_at <= moment("changes-before", value)),
    "availability_zone": Filter(lambda value: ZONE.in_([value])),
    "config_drive": Filter(_config_drive),
    "key_name": Filter(lambda value: instances.c.key["name"].as_string() == value),
    "created_at": Filter(_begins(instances.c.created_at)),
    "launched_at": Filter(_begins(instances.c.launched_at)),
    "terminated_at": Filter(_begins(instances.c.terminated_at)),
    "power_state": Filter(_number(instances.c.power_state)),
    "task_state": Filter(_equals(instances.c.task_state)),
    "vm_state": Filter(_equals(instances.c.vm_state)),
    "progress": Filter(_always("0")),
    "user_id": Filter(_equals(instances.c.user_id)),
    "tags": Filter(_has_all),
    "tags-any": Filter(_has_any),
    "not-tags": Filter(lambda value: not_(_has_all(value))),
    "not-tags-any": Filter(lambda value: not_(_has_any(value))),
    "locked": Filter(lambda value: instances.c.locked.is_(is_true(value))),
    "host": Filter(_equals(instances.c.host), admin=True),
    "node": Filter(_equals(instances.c.host), admin=True),
    "launch_index": Filter(_number(instances.c.launch_index), admin=True),
    "display_name": Filter(_matches(instances.c.name), admin=True),
    "description": Filter(_matches(instances.c.description), admin=True),
    "display_description": Filter(_matches(instances.c.description), admin=True),
    "image_ref": Filter(_equals(instances.c.image_id), admin=True),
    "access_ip_v4": Filter(_matches(instances.c.access_ipv4), admin=True),
    "access_ip_v6": Filter(_matches(instances.c.access_ipv6), admin=True),
    "auto_disk_config": Filter(_disk_config, admin=True),
    "kernel_id": Filter(_always(""), admin=True),
    "ramdisk_id": Filter(_always(""), admin=True),
    "root_device_name": Filter(_always("/dev/vda"), admin=True),
    "locked_by": Filter(_equals(instances.c.locked_by), admin=True),
    "soft_deleted": Filter(_soft_deleted, admin=True),
}
"""Filters by the name of their parameter. Since when they exist, and since when others than administrators may use them, say
`microversions.SPANS`. `status`, `deleted` and the tenants are beside it: they depend on each other."""


def conditions(query: Mapping[str, list[str]], version: Version, *, admin: bool) -> list[Condition]:
    """What the filters in a query ask for. Raises Refusal 400."""
    return [
        known.condition(query[name][-1])
        for name, known in FILTERS.items()
        if name in query
        and exists(f"servers?{name}", version)
        and (admin or (not known.admin and exists(f"servers?{name} for users", version)))
    ]
