"""Lock: while an instance is locked, only administrators may change it."""

from datetime import datetime
from typing import ClassVar

from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal


class InstanceLocked(InstanceEvent):
    """Somebody locked the instance; `by` tells whether its owner did, or an administrator of another project."""

    TOPIC: ClassVar[str] = "chronova.instance.locked.v1"

    by: str  # owner | admin
    reason: str | None

    def apply(self, aggregate: Instance) -> None:
        """It refuses what a lock forbids. The agent is not concerned."""
        aggregate.locked, aggregate.locked_by, aggregate.locked_reason = True, self.by, self.reason


class InstanceUnlocked(InstanceEvent):
    """The lock was taken away."""

    TOPIC: ClassVar[str] = "chronova.instance.unlocked.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is as before."""
        aggregate.locked, aggregate.locked_by, aggregate.locked_reason = False, None, None


def lock(instance: Instance, *, by: str, reason: str | None, at: datetime) -> None:
    """Lock it; a lock that stands is replaced. Raises NotFound. Source: compute API reference, `lock`."""
    require_legal(instance, Action.LOCK)
    instance.record(InstanceLocked, by=by, reason=reason, at=at)


def unlock(instance: Instance, *, at: datetime) -> None:
    """Take the lock away, whether there is one or not. Raises NotFound. Source: compute API reference, `unlock`."""
    require_legal(instance, Action.UNLOCK)
    instance.record(InstanceUnlocked, at=at)
