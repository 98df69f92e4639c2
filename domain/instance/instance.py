"""The instance: what was asked of it, where it lives, and what is known of it."""

from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Event
from domain.instance.desired import Restarts, Want
from domain.instance.state import PowerState, Task, VmState
from domain.resources import Resources


class Instance(Aggregate):
    """A virtual machine of a project. Its events are in the modules beside this one, a behaviour each."""

    TOPIC: ClassVar[str] = "chronova.instance"
    KIND: ClassVar[str] = "instance"

    project_id: str
    user_id: str
    name: str
    hostname: str
    description: str | None
    flavor: dict[str, Any]  # as it was when asked for: id, name, vcpus, ram (MiB), disk (GiB), extra_specs …
    image: dict[str, Any]  # id, name, size (bytes), checksum (SHA-512), disk_format
    networks: list[dict[str, Any]]  # asked for: network_id, and fixed_ip where one was named
    key: dict[str, str] | None  # name, public_key
    metadata: dict[str, str]
    user_data_sha256: str | None
    reservation_id: str
    launch_index: int
    config_drive: bool

    def __init__(self) -> None:
        self.vm_state = VmState.BUILDING
        self.task: Task | None = Task.SCHEDULING
        self.power = PowerState.NOSTATE
        self.want = Want.RUNNING
        self.generation = 1
        self.restarts = Restarts()
        self.host: str | None = None
        self.nics: list[dict[str, Any]] = []
        self.fault: dict[str, Any] | None = None
        self.errand: dict[str, Any] | None = None  # what is to be done once, at this generation
        self.dumps = 0  # crash dumps that were asked for so far
        self.dump_pending = False
        self.rescue_image: dict[str, Any] | None = None
        self.locked = False
        self.locked_by: str | None = None  # owner | admin
        self.locked_reason: str | None = None
        self.building = False
        self.launched_at: datetime | None = None
        self.terminated_at: datetime | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether its life is over; it then takes no more commands."""
        return self.vm_state is VmState.DELETED

    @property
    def resources(self) -> Resources:
        """What it takes from its host."""
        return Resources(vcpus=self.flavor["vcpus"], memory_mib=self.flavor["ram"], disk_gib=self.flavor["disk"])

    def wants(self, want: Want) -> None:
        """Change what the agent must do; called by events only. An errand of before is not run any more."""
        self.want = want
        self.errand = None
        self.generation += 1


class InstanceEvent(Event):
    """Something that happened to an instance."""

    def apply(self, aggregate: Instance) -> None:
        """Say what follows for the instance."""
