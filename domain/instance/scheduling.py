"""Scheduling: the instance is given a host and addresses, or learns why it gets none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.instance import Instance, InstanceEvent
from domain.instance.state import Task, VmState


class InstanceScheduled(InstanceEvent):
    """A host was chosen and its capacity claimed; `explanation` says how it was chosen."""

    TOPIC: ClassVar[str] = "chronova.instance.scheduled.v1"

    host: str
    nics: list[dict[str, Any]]
    explanation: dict[str, Any]

    def apply(self, aggregate: Instance) -> None:
        """The host's agent has work now."""
        aggregate.host = self.host
        aggregate.nics = self.nics
        aggregate.task = Task.SPAWNING


class SchedulingFailed(InstanceEvent):
    """No host could take the instance; `explanation` says how many each filter removed."""

    TOPIC: ClassVar[str] = "chronova.instance.scheduling-failed.v1"

    reason: str
    explanation: dict[str, Any]

    def apply(self, aggregate: Instance) -> None:
        """It ends in error, with the reason as its fault."""
        aggregate.vm_state, aggregate.task = VmState.ERROR, None
        aggregate.fault = {"code": 500, "message": self.reason, "created": self.timestamp}


def awaits_scheduling(instance: Instance) -> bool:
    """Whether the scheduler still has to decide for it."""
    return instance.task is Task.SCHEDULING and instance.host is None


def scheduled(
    instance: Instance,
    *,
    host: str,
    nics: Sequence[Mapping[str, Any]],
    explanation: Mapping[str, Any],
    at: datetime,
) -> None:
    """Record where the instance will live; nothing when that is decided already (a scheduler that starts again repeats itself)."""
    if awaits_scheduling(instance):
        instance.record(
            InstanceScheduled, host=host, nics=[dict(nic) for nic in nics], explanation=dict(explanation), at=at
        )


def scheduling_failed(instance: Instance, *, reason: str, explanation: Mapping[str, Any], at: datetime) -> None:
    """Record that no host can take it; nothing when a decision stands already."""
    if awaits_scheduling(instance):
        instance.record(SchedulingFailed, reason=reason, explanation=dict(explanation), at=at)
