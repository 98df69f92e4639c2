"""Crash dump: the guest is interrupted, so that its kernel dumps its memory. Nothing is under way meanwhile, as in Nova."""

from datetime import datetime
from typing import ClassVar

from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal


class CrashDumpRequested(InstanceEvent):
    """A user asked for the guest to be interrupted."""

    TOPIC: ClassVar[str] = "chronova.instance.crash-dump-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work: it interrupts when it has done so less often than is wanted."""
        errand = aggregate.errand
        aggregate.dumps, aggregate.dump_pending = aggregate.dumps + 1, True
        aggregate.wants(aggregate.want)
        aggregate.errand = errand


class CrashDumpTriggered(InstanceEvent):
    """The guest was interrupted; what its kernel makes of that is its own affair."""

    TOPIC: ClassVar[str] = "chronova.instance.crash-dump-triggered.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is as before."""
        aggregate.dump_pending = False


def trigger_crash_dump(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be interrupted. Raises IllegalInState. Source: compute API reference, `trigger_crash_dump`."""
    require_legal(instance, Action.CRASH_DUMP)
    instance.record(CrashDumpRequested, at=at)
