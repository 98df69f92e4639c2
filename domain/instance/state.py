"""The words for where an instance stands. Values are Nova's, because clients compare them."""

from enum import IntEnum, StrEnum


class VmState(StrEnum):
    """What the instance stably is (API: `OS-EXT-STS:vm_state`)."""

    BUILDING = "building"
    ACTIVE = "active"
    STOPPED = "stopped"
    ERROR = "error"
    DELETED = "deleted"


class Task(StrEnum):
    """What is under way (API: `OS-EXT-STS:task_state`)."""

    SCHEDULING = "scheduling"
    SPAWNING = "spawning"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    REBOOTING = "rebooting"
    REBOOTING_HARD = "rebooting_hard"
    DELETING = "deleting"


class PowerState(IntEnum):
    """What the hypervisor shows (API: `OS-EXT-STS:power_state`)."""

    NOSTATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7


class StopReason(StrEnum):
    """Why a guest is no longer running."""

    REQUESTED = "requested"
    GUEST = "guest"
    CRASHED = "crashed"
    HOST = "host"
