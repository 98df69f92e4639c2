"""Build: the agent makes the guest, and it runs; or it cannot be made."""

from typing import ClassVar

from domain.instance.instance import Instance, InstanceEvent
from domain.instance.state import PowerState, VmState


class BuildStarted(InstanceEvent):
    """The agent has begun to make the guest."""

    TOPIC: ClassVar[str] = "chronova.instance.build-started.v1"

    def apply(self, aggregate: Instance) -> None:
        """Remember it, so that it is recorded once."""
        aggregate.building = True


class InstanceActivated(InstanceEvent):
    """The guest runs for the first time. `stages` tells how long each part of the build took, in seconds."""

    TOPIC: ClassVar[str] = "chronova.instance.activated.v1"

    stages: dict[str, float]

    def apply(self, aggregate: Instance) -> None:
        """It is launched."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.launched_at = self.timestamp
        aggregate.building = False
        aggregate.fault = None


class BuildFailed(InstanceEvent):
    """The guest could not be made; nothing of it is left on the host, and its claim is given back."""

    TOPIC: ClassVar[str] = "chronova.instance.build-failed.v1"

    host: str
    reason: str

    def apply(self, aggregate: Instance) -> None:
        """It ends in error, on no host."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ERROR, None, PowerState.NOSTATE
        aggregate.fault = {"code": 500, "message": self.reason, "created": self.timestamp}
        aggregate.building = False
        aggregate.host, aggregate.nics = None, []
