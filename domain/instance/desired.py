"""The desired state of one instance: the whole of what its agent is told, and all that it needs to make it so.

It travels on `work.<host>.<instance>` and in heartbeat answers (ADR 0004), is level-triggered and complete: the newest one
replaces all before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from domain.instance.state import VmState


class Want(StrEnum):
    """What the instance should be."""

    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    RESCUED = "rescued"
    SHUTDOWN = "shutdown"
    PARKED = "parked"  # off, with a disk that another host takes over
    ABSENT = "absent"


STEADY: Mapping[VmState, Want] = {
    VmState.ACTIVE: Want.RUNNING,
    VmState.PAUSED: Want.PAUSED,
    VmState.SUSPENDED: Want.SUSPENDED,
    VmState.STOPPED: Want.SHUTDOWN,
    VmState.RESCUED: Want.RESCUED,
}
"""What is wanted of an instance of which nothing is asked."""


class Arrival(StrEnum):
    """How a guest that has run elsewhere comes to its host."""

    BUILT = "built"  # from its image
    MOVED = "moved"  # with its disk


class ErrandKind(StrEnum):
    """What an agent can be asked to do once."""

    REBUILD = "rebuild"
    PASSWORD = "password"  # noqa: S105 -- the name of an errand
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Nic:
    """One network card, with the address that the log chose for it."""

    port_id: str
    network_id: str
    mac: str  # 52:54:00:…
    address: str  # IPv4, dotted
    cidr: str  # of the subnet: 10.80.0.0/24
    gateway: str  # IPv4, dotted: the host's own address on the network
    dns: tuple[str, ...] = ()
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where the image's bytes come from, and how to know that they are the right ones."""

    id: str
    disk_format: str  # raw | qcow2
    size: int  # bytes to download
    checksum: str  # SHA-512, hex
    url: str  # signed and expiring; never in the log


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a reboot was asked for so far. The agent reboots when it has seen fewer."""

    count: int = 0
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done once, at the generation that it comes with. The agent's ledger says whether it is done."""

    kind: ErrandKind
    image_id: str = ""  # snapshot: the image that waits for its bytes
    disk_format: str = ""  # snapshot
    url: str = ""  # snapshot: where the bytes go; signed and expiring; never in the log

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `orjson` made of an errand. Raises KeyError, TypeError or ValueError when it is none."""
        return cls(**{**document, "kind": ErrandKind(document["kind"])})


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """The guest to build."""

    id: str  # the instance's UUID
    name: str
    hostname: str
    project_id: str
    vcpus: int
    memory_mib: int
    disk_gib: int  # the root disk; 0: as large as the image
    image: ImageSource
    nics: tuple[Nic, ...] = ()
    public_keys: Mapping[str, str] = field(default_factory=dict)  # key name → OpenSSH public key
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: str | None = None  # base64, as the client sent it
    admin_password: str | None = None
    rescue_image: ImageSource | None = None  # only while it is wanted rescued
    rescue_password: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `orjson` made of a spec. Raises KeyError or TypeError when a part is missing or unknown."""
        nics = tuple(Nic(**{**nic, "dns": tuple(nic["dns"])}) for nic in document["nics"])
        rescue = document["rescue_image"]
        return cls(
            **{
                **document,
                "image": ImageSource(**document["image"]),
                "rescue_image": None if rescue is None else ImageSource(**rescue),
                "nics": nics,
            }
        )


@dataclass(frozen=True, slots=True)
class Desired:
    """What one instance should be, at one generation."""

    instance_id: str
    generation: int
    want: Want
    restarts: Restarts = Restarts()
    launched: bool = False  # it has run before: a guest that is missing is lost, and must not be made anew
    spec: GuestSpec | None = None  # None only when the instance should be absent
    errand: Errand | None = None
    arrival: Arrival | None = None  # it has run elsewhere: a guest that is missing here is still to come
    dumps: int = (
        0  # crash dumps that were asked for so far: the agent interrupts the guest when it has done so less often
    )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `orjson` made of it. Raises KeyError, TypeError or ValueError when it is not a desired state."""
        spec, errand, arrival = document["spec"], document["errand"], document["arrival"]
        return cls(
            instance_id=document["instance_id"],
            generation=document["generation"],
            want=Want(document["want"]),
            restarts=Restarts(**document["restarts"]),
            launched=bool(document["launched"]),
            spec=None if spec is None else GuestSpec.from_document(spec),
            errand=None if errand is None else Errand.from_document(errand),
            arrival=None if arrival is None else Arrival(arrival),
            dumps=int(document["dumps"]),
        )
