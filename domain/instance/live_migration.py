"""Live migration: the guest goes to another host while it runs."""

from datetime import datetime
from typing import ClassVar

from domain.instance.instance import Instance, InstanceEvent, Move, MoveKind
from domain.instance.legality import Action, require_legal
from domain.instance.state import Task


class LiveMigrationRequested(InstanceEvent):
    """An administrator asked for another host, without a pause."""

    TOPIC: ClassVar[str] = "chronova.instance.live-migration-requested.v1"

    host: str | None  # None: any other

    def apply(self, aggregate: Instance) -> None:
        """The scheduler has work."""
        aggregate.task = Task.MIGRATING
        aggregate.move = Move(MoveKind.LIVE, aggregate.want, asked=self.host)


class InstanceMigrated(InstanceEvent):
    """The guest runs on its new host."""

    TOPIC: ClassVar[str] = "chronova.instance.migrated.v1"

    host: str

    def apply(self, aggregate: Instance) -> None:
        """It lives there; nothing may be left on the old one."""
        if aggregate.host is not None:
            aggregate.leave(aggregate.host)
        aggregate.host, aggregate.task = self.host, None
        aggregate.settle_move()
        aggregate.wants(aggregate.want)


def live_migrate(instance: Instance, *, host: str | None, at: datetime) -> None:
    """Ask for another host. Raises IllegalInState. Source: compute API reference, `os-migrateLive`."""
    require_legal(instance, Action.LIVE_MIGRATE)
    instance.record(LiveMigrationRequested, host=host, at=at)
