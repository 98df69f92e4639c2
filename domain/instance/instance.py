"""The instance: what was asked of it, where it lives, and what is known of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from domain.aggregate import Aggregate, Event
from domain.instance.desired import Arrival, Restarts, Want
from domain.instance.state import PowerState, Task, VmState
from domain.resources import Resources


class MoveKind(StrEnum):
    """Why an instance goes to another host."""

    RESIZE = "resize"
    MIGRATE = "migrate"
    LIVE = "live-migration"
    EVACUATE = "evacuation"
    UNSHELVE = "unshelve"


@dataclass(frozen=True, slots=True)
class Move:
    """An instance on its way to another host, until that is confirmed, reverted or over."""

    kind: MoveKind
    former: Want  # what is wanted of the guest again when it is over
    asked: str | None = None  # the only host that will do
    target: str | None = None  # where it goes; None: the scheduler still has to choose
    new_flavor: dict[str, Any] | None = None  # the one to change to
    old_flavor: dict[str, Any] | None = None  # the one to go back to

    def to(self, target: str) -> Self:
        """The same, with a host to go to."""
        return replace(self, target=target)

    def keeping(self, flavor: dict[str, Any]) -> Self:
        """The same, with a flavor to go back to."""
        return replace(self, old_flavor=flavor)


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
        self.move: Move | None = None
        self.arrival: Arrival | None = None  # how a guest that is not on its host yet comes there
        self.parked: str | None = None  # the host where the guest stands off until a resize is confirmed or reverted
        self.leaving: list[str] = []  # hosts on which nothing of it may be left, and that have not said so yet
        self.shelved_image_id: str | None = None
        self.shelved_image: dict[str, Any] | None = None  # what it is built from while it is unshelved
        self.locked = False
        self.locked_by: str | None = None  # owner | admin
        self.locked_reason: str | None = None
        self.building = False
        self.launched_at: datetime | None = None
        self.terminated_at: datetime | None = None
        self.access_ipv4: str | None = None
        self.access_ipv6: str | None = None
        self.disk_config = "MANUAL"
        self.tags: list[str] = []
        self.pinned_zone: str | None = None
        self.forced_host: str | None = None
        self.hints: dict[str, Any] = {}

    @property
    def is_deleted(self) -> bool:
        """Whether its life is over; it then takes no more commands."""
        return self.vm_state is VmState.DELETED

    @property
    def group(self) -> str | None:
        """The id of the server group that it is a member of."""
        return self.hints.get("group")

    @property
    def resources(self) -> Resources:
        """What it takes from its host."""
        return Resources(vcpus=self.flavor["vcpus"], memory_mib=self.flavor["ram"], disk_gib=self.flavor["disk"])

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts that have a part in it, and so may hold a claim for it; the one that it lives on first."""
        target = None if self.move is None else self.move.target
        found = (self.host, self.parked, target, *self.leaving)
        return tuple(dict.fromkeys(host for host in found if host is not None))

    def leave(self, host: str) -> None:
        """Have nothing left on a host; called by events only."""
        if host not in self.leaving:
            self.leaving = [*self.leaving, host]

    def settle_move(self) -> None:
        """Be where it is, for good; called by events only."""
        self.move, self.arrival, self.parked = None, None, None

    def wants(self, want: Want) -> None:
        """Change what the agent must do; called by events only. An errand of before is not run any more."""
        self.want = want
        self.errand = None
        self.generation += 1


class InstanceEvent(Event):
    """Something that happened to an instance."""

    def apply(self, aggregate: Instance) -> None:
        """Say what follows for the instance."""
