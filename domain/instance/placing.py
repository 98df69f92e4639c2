"""Placing: what was said about where an instance should live, beyond what it needs."""

from typing import Any, ClassVar

from domain.instance.instance import Instance, InstanceEvent


class PlacementAsked(InstanceEvent):
    """Whoever asked for the instance said where it should live: with the request, before any host is chosen."""

    TOPIC: ClassVar[str] = "chronova.instance.placement-asked.v1"

    zone: str | None  # it stays in this availability zone
    host: str | None  # this host, or none
    hints: dict[str, Any]  # for the scheduler, as the client sent them

    def apply(self, aggregate: Instance) -> None:
        """The scheduler heeds it."""
        aggregate.pinned_zone, aggregate.forced_host, aggregate.hints = self.zone, self.host, self.hints
