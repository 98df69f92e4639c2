"""Quotas in the read model: the limits that bind a project, and what it uses."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from domain.project.quota import DEFAULT_CLASS, UNLIMITED, limits_of
from projections.tables import quota_classes, quotas

_CLASS = select(quota_classes.c.limits).where(quota_classes.c.name == DEFAULT_CLASS)
_OWN = select(quotas.c.limits, quotas.c.usage).where(quotas.c.project_id == bindparam("project_id"))


@dataclass(frozen=True, slots=True)
class Quota:
    """One project's quota as the read model knows it; the project's own stream decides."""

    own: Mapping[str, int]
    defaults: Mapping[str, int]  # those of the class that an operator has changed
    usage: Mapping[str, int]

    @property
    def limits(self) -> dict[str, int]:
        """The limits that bind."""
        return limits_of(self.own, self.defaults)

    def has_room(self, amounts: Mapping[str, int]) -> bool:
        """Whether there seems to be so much of each resource."""
        limits = self.limits
        return all(
            limits[each] == UNLIMITED or self.used(each) + amount <= limits[each] for each, amount in amounts.items()
        )

    def used(self, resource: str) -> int:
        """How much of a resource is taken."""
        return self.usage.get(resource, 0)


def default_limits(connection: Connection) -> Mapping[str, int]:
    """What an operator has made the default of all projects."""
    found: Mapping[str, int] | None = connection.execute(_CLASS).scalar()
    return found or {}


def quota_of(connection: Connection, project_id: str) -> Quota:
    """A project's quota; that of one which has nothing of its own when it is not known."""
    row = connection.execute(_OWN, {"project_id": project_id}).first()
    defaults = default_limits(connection)
    return Quota({}, defaults, {}) if row is None else Quota(row.limits, defaults, row.usage)
