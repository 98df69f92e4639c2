"""The request: an instance begins with what was asked for, complete, so that later changes of flavor or image cannot reach it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from inspect import get_annotations
from typing import Any, ClassVar

from domain.aggregate import Created
from domain.instance.details import change_details
from domain.instance.instance import Instance
from domain.instance.placing import PlacementAsked
from domain.instance.tags import TagsChanged


class InstanceRequested(Created):
    """A user asked for an instance. It waits for the scheduler."""

    TOPIC: ClassVar[str] = "chronova.instance.requested.v1"

    project_id: str
    user_id: str
    name: str
    hostname: str
    description: str | None
    flavor: dict[str, Any]
    image: dict[str, Any]
    networks: list[dict[str, Any]]
    key: dict[str, str] | None
    metadata: dict[str, str]
    user_data_sha256: str | None
    reservation_id: str
    launch_index: int
    config_drive: bool

    def apply(self, aggregate: Instance) -> None:
        """Take over what was asked for."""
        for name in REQUEST_PARTS:
            setattr(aggregate, name, getattr(self, name))


REQUEST_PARTS = tuple(name for name in get_annotations(InstanceRequested) if name != "TOPIC")


def request(
    instance_id: str,
    *,
    at: datetime,
    project_id: str,
    user_id: str,
    name: str,
    hostname: str,
    flavor: Mapping[str, Any],
    image: Mapping[str, Any],
    networks: Sequence[Mapping[str, Any]] = (),
    key: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    description: str | None = None,
    user_data_sha256: str | None = None,
    reservation_id: str = "",
    launch_index: int = 0,
    config_drive: bool = True,
    details: Mapping[str, str | None] | None = None,
    tags: Iterable[str] = (),
    zone: str | None = None,
    host: str | None = None,
    hints: Mapping[str, Any] | None = None,
) -> Instance:
    """A new instance, to be scheduled. Source: compute API reference, "Create server".

    `details` are those of `domain.instance.details` that the request itself has no part for. What few ask for (details,
    tags, where it should live) are events of their own, stored with the request or not at all.
    """
    instance = Instance.begin(
        InstanceRequested,
        aggregate_id=instance_id,
        at=at,
        project_id=project_id,
        user_id=user_id,
        name=name,
        hostname=hostname,
        description=description,
        flavor=dict(flavor),
        image=dict(image),
        networks=[dict(network) for network in networks],
        key=None if key is None else dict(key),
        metadata=dict(metadata or {}),
        user_data_sha256=user_data_sha256,
        reservation_id=reservation_id,
        launch_index=launch_index,
        config_drive=config_drive,
    )
    change_details(instance, **(details or {}), at=at)
    if wanted := sorted(set(tags)):
        instance.record(TagsChanged, tags=wanted, at=at)
    if zone or host or hints:
        instance.record(PlacementAsked, zone=zone, host=host, hints=dict(hints or {}), at=at)
    return instance
