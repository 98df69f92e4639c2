"""What can be changed of a flavor: its description, its extra specs, and which projects may use one that is not public.

Instances that have it keep it as it was. Source: compute API reference, "Flavors".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import Conflict, NotFound
from domain.flavor import Flavor


class FlavorDescribed(Event):
    """An operator described it in other words."""

    TOPIC: ClassVar[str] = "chronova.flavor.described.v1"

    description: str | None

    def apply(self, aggregate: Flavor) -> None:
        """It is described so."""
        aggregate.description = self.description


class FlavorRxtxFactorSet(Event):
    """A client gave it a share of a network's bandwidth, as old clouds had them."""

    TOPIC: ClassVar[str] = "chronova.flavor.rxtx-factor-set.v1"

    rxtx_factor: float

    def apply(self, aggregate: Flavor) -> None:
        """It is shown again, and means nothing."""
        aggregate.rxtx_factor = self.rxtx_factor


class ExtraSpecsChanged(Event):
    """An operator wants other things of hosts and guests of this size."""

    TOPIC: ClassVar[str] = "chronova.flavor.extra-specs-changed.v1"

    changed: dict[str, str]
    removed: list[str]

    def apply(self, aggregate: Flavor) -> None:
        """Instances that are asked for from now on have them."""
        kept = {name: value for name, value in aggregate.extra_specs.items() if name not in self.removed}
        aggregate.extra_specs = kept | self.changed


class FlavorAccessGranted(Event):
    """A project may use it."""

    TOPIC: ClassVar[str] = "chronova.flavor.access-granted.v1"

    project_id: str

    def apply(self, aggregate: Flavor) -> None:
        """It sees it."""
        aggregate.projects = [*aggregate.projects, self.project_id]


class FlavorAccessRevoked(Event):
    """A project may use it no longer."""

    TOPIC: ClassVar[str] = "chronova.flavor.access-revoked.v1"

    project_id: str

    def apply(self, aggregate: Flavor) -> None:
        """It does not see it."""
        aggregate.projects = [project_id for project_id in aggregate.projects if project_id != self.project_id]


def describe_flavor(flavor: Flavor, description: str | None, *, at: datetime) -> None:
    """Describe it; nothing when it is described so. Raises NotFound."""
    _require_offered(flavor)
    if description != flavor.description:
        flavor.record(FlavorDescribed, description=description, at=at)


def set_rxtx_factor(flavor: Flavor, factor: float, *, at: datetime) -> None:
    """Note the factor; nothing when it is that. Raises NotFound."""
    _require_offered(flavor)
    if factor != flavor.rxtx_factor:
        flavor.record(FlavorRxtxFactorSet, rxtx_factor=factor, at=at)


def change_extra_specs(
    flavor: Flavor, changed: Mapping[str, str], *, removed: Iterable[str] = (), at: datetime
) -> None:
    """Set some and remove others; nothing when all is so. Raises NotFound, also for one to remove that there is not."""
    _require_offered(flavor)
    gone = list(removed)
    for name in gone:
        if name not in flavor.extra_specs:
            raise NotFound(f"Flavor {flavor.flavor_id} has no extra specs with key {name}.")
    if gone or {**flavor.extra_specs, **changed} != flavor.extra_specs:
        flavor.record(ExtraSpecsChanged, changed=dict(changed), removed=gone, at=at)


def grant_access(flavor: Flavor, project_id: str, *, at: datetime) -> None:
    """Let a project use it. Raises NotFound, Conflict when it may already."""
    _require_offered(flavor)
    if project_id in flavor.projects:
        raise Conflict(
            f"Flavor access already exists for flavor {flavor.flavor_id} and project {project_id} combination."
        )
    flavor.record(FlavorAccessGranted, project_id=project_id, at=at)


def revoke_access(flavor: Flavor, project_id: str, *, at: datetime) -> None:
    """Let a project use it no longer. Raises NotFound, also when it may not."""
    _require_offered(flavor)
    if project_id not in flavor.projects:
        raise NotFound(f"Flavor access not found for {flavor.flavor_id} / {project_id} combination.")
    flavor.record(FlavorAccessRevoked, project_id=project_id, at=at)


def _require_offered(flavor: Flavor) -> None:
    if flavor.is_deleted:
        raise NotFound(f"Flavor {flavor.flavor_id} could not be found.")
