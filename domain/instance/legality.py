"""Which action is legal in which state: one table, read by the decisions, the API and the tests.

Source: Nova's `check_instance_state` and `check_instance_lock` as observed (docs: "Server concepts" of the compute API guide).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import IllegalInState, Locked, NotFound, NotReady
from domain.instance.instance import Instance
from domain.instance.state import Task, VmState


class Action(StrEnum):
    """What a user may ask of an instance. Values are the words of Nova's conflict messages, but for those in `VERBS`."""

    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    REBOOT_HARD = "reboot_hard"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"
    RESCUE = "rescue"
    UNRESCUE = "unrescue"
    REBUILD = "rebuild"
    RESIZE = "resize"
    MIGRATE = "migrate"
    CONFIRM_RESIZE = "confirmResize"
    REVERT_RESIZE = "revertResize"
    CREATE_IMAGE = "createImage"
    CREATE_BACKUP = "createBackup"
    SHELVE = "shelve"
    SHELVE_OFFLOAD = "shelveOffload"
    UNSHELVE = "unshelve"
    CHANGE_PASSWORD = "changePassword"  # noqa: S105 -- the name of an action
    LIVE_MIGRATE = "os-migrateLive"
    FORCE_COMPLETE = "force_complete"
    ABORT_MIGRATION = "abort live migration"
    EVACUATE = "evacuate"
    CRASH_DUMP = "trigger_crash_dump"
    LOCK = "lock"
    UNLOCK = "unlock"
    RESET_STATE = "os-resetState"
    RESTORE = "restore"
    DELETE = "delete"
    FORCE_DELETE = "forceDelete"
    CONSOLE_OUTPUT = "get_console_output"
    REMOTE_CONSOLE = "get_vnc_console"
    ATTACH_VOLUME = "attach_volume"
    DETACH_VOLUME = "detach_volume"
    SWAP_VOLUME = "swap_volume"
    ATTACH_INTERFACE = "attach_interface"
    DETACH_INTERFACE = "detach_interface"
    UPDATE_METADATA = "update metadata"
    DELETE_METADATA = "delete metadata"
    UPDATE_TAGS = "update tags"
    DELETE_TAGS = "delete tags"
    SECURITY_GROUP = "security group"


VERBS: Mapping[Action, str] = {Action.REBOOT_HARD: "reboot"}
"""What an action is called in messages, where that is not its own value."""


@dataclass(frozen=True, slots=True)
class Legal:
    """When an action is legal."""

    states: frozenset[VmState]
    during: frozenset[Task | None] | None = frozenset({None})
    """Tasks that may be under way, None standing for none; not a set but None: whatever is under way."""
    needs_launch: bool = True
    heeds_lock: bool = True  # a locked instance refuses it, but to administrators


def _in(*states: VmState) -> frozenset[VmState]:
    return frozenset(states)


ANY = frozenset(VmState) - {VmState.DELETED}
ACTIVE, STOPPED, PAUSED, SUSPENDED, ERROR = (
    VmState.ACTIVE,
    VmState.STOPPED,
    VmState.PAUSED,
    VmState.SUSPENDED,
    VmState.ERROR,
)
STEADY = _in(ACTIVE, STOPPED, PAUSED, SUSPENDED)
HAS_A_DISK = _in(
    ACTIVE, PAUSED, STOPPED, VmState.RESIZED, VmState.SOFT_DELETED, VmState.SHELVED, VmState.SHELVED_OFFLOADED
)
HARD_REBOOT_DURING = frozenset(
    {
        None,
        Task.REBOOTING,
        Task.REBOOT_PENDING,
        Task.REBOOT_STARTED,
        Task.REBOOTING_HARD,
        Task.RESUMING,
        Task.UNPAUSING,
        Task.PAUSING,
        Task.SUSPENDING,
    }
)

LEGAL: Mapping[Action, Legal] = {
    # power
    Action.START: Legal(_in(STOPPED)),
    Action.STOP: Legal(_in(ACTIVE, ERROR)),
    Action.REBOOT: Legal(_in(ACTIVE)),
    Action.REBOOT_HARD: Legal(_in(ACTIVE, STOPPED, PAUSED, SUSPENDED, ERROR), during=HARD_REBOOT_DURING),
    Action.PAUSE: Legal(_in(ACTIVE)),
    Action.UNPAUSE: Legal(_in(PAUSED)),
    Action.SUSPEND: Legal(_in(ACTIVE)),
    Action.RESUME: Legal(_in(SUSPENDED)),
    # the guest's disk
    Action.RESCUE: Legal(_in(ACTIVE, STOPPED, ERROR)),
    Action.UNRESCUE: Legal(_in(VmState.RESCUED)),
    Action.REBUILD: Legal(_in(ACTIVE, STOPPED, ERROR)),
    Action.CREATE_IMAGE: Legal(STEADY, heeds_lock=False),
    Action.CREATE_BACKUP: Legal(STEADY, heeds_lock=False),
    Action.CHANGE_PASSWORD: Legal(_in(ACTIVE)),
    Action.CRASH_DUMP: Legal(_in(ACTIVE, PAUSED, VmState.RESCUED, VmState.RESIZED, ERROR)),
    # where it lives, and how large it is
    Action.RESIZE: Legal(_in(ACTIVE, STOPPED)),
    Action.MIGRATE: Legal(_in(ACTIVE, STOPPED)),
    Action.CONFIRM_RESIZE: Legal(_in(VmState.RESIZED)),
    Action.REVERT_RESIZE: Legal(_in(VmState.RESIZED)),
    Action.SHELVE: Legal(STEADY),
    Action.SHELVE_OFFLOAD: Legal(_in(VmState.SHELVED)),
    Action.UNSHELVE: Legal(_in(VmState.SHELVED, VmState.SHELVED_OFFLOADED)),
    Action.LIVE_MIGRATE: Legal(_in(ACTIVE, PAUSED)),
    Action.FORCE_COMPLETE: Legal(_in(ACTIVE), during=frozenset({Task.MIGRATING})),
    Action.ABORT_MIGRATION: Legal(ANY, during=frozenset({Task.MIGRATING})),
    Action.EVACUATE: Legal(_in(ACTIVE, STOPPED, ERROR), during=None, heeds_lock=False),
    # its life
    Action.LOCK: Legal(ANY, during=None, needs_launch=False, heeds_lock=False),
    Action.UNLOCK: Legal(ANY, during=None, needs_launch=False, heeds_lock=False),
    Action.RESET_STATE: Legal(ANY, during=None, needs_launch=False, heeds_lock=False),
    Action.RESTORE: Legal(_in(VmState.SOFT_DELETED)),
    Action.DELETE: Legal(ANY, during=None, needs_launch=False),
    Action.FORCE_DELETE: Legal(ANY, during=None, needs_launch=False),
    # consoles
    Action.CONSOLE_OUTPUT: Legal(ANY - {VmState.BUILDING}, during=None, needs_launch=False, heeds_lock=False),
    Action.REMOTE_CONSOLE: Legal(ANY - {VmState.BUILDING}, during=None, heeds_lock=False),
    # what it has
    Action.ATTACH_VOLUME: Legal(HAS_A_DISK),
    Action.DETACH_VOLUME: Legal(HAS_A_DISK),
    Action.SWAP_VOLUME: Legal(_in(ACTIVE, PAUSED, VmState.RESIZED)),
    Action.ATTACH_INTERFACE: Legal(_in(ACTIVE, PAUSED, STOPPED)),
    Action.DETACH_INTERFACE: Legal(_in(ACTIVE, PAUSED, STOPPED)),
    Action.UPDATE_METADATA: Legal(STEADY, during=None),
    Action.DELETE_METADATA: Legal(STEADY, during=None),
    Action.UPDATE_TAGS: Legal(STEADY, during=None, needs_launch=False, heeds_lock=False),
    Action.DELETE_TAGS: Legal(STEADY, during=None, needs_launch=False, heeds_lock=False),
    Action.SECURITY_GROUP: Legal(ANY, during=None, needs_launch=False, heeds_lock=False),
}


BY_A_HOST = frozenset(
    {
        Action.START,
        Action.STOP,
        Action.REBOOT,
        Action.REBOOT_HARD,
        Action.PAUSE,
        Action.UNPAUSE,
        Action.SUSPEND,
        Action.RESUME,
        Action.RESCUE,
        Action.UNRESCUE,
        Action.REBUILD,
        Action.CREATE_IMAGE,
        Action.CREATE_BACKUP,
        Action.CHANGE_PASSWORD,
        Action.CRASH_DUMP,
        Action.RESIZE,
        Action.MIGRATE,
        Action.CONFIRM_RESIZE,
        Action.REVERT_RESIZE,
        Action.SHELVE,
        Action.SHELVE_OFFLOAD,
        Action.LIVE_MIGRATE,
        Action.EVACUATE,
    }
)
"""What the host does that an instance lives on. Only an administrator's reset can make one active that has none."""


def require_unlocked(instance: Instance, action: Action) -> None:
    """Pass when no lock stands in the way. Asked before the state, and not of administrators. Raises NotFound, Locked."""
    _require_alive(instance)
    if instance.locked and LEGAL[action].heeds_lock:
        raise Locked(instance.id)


def require_legal(instance: Instance, action: Action) -> None:
    """Pass when the action is legal now.

    Raises NotFound when the instance is deleted, IllegalInState when state, task or a missing launch forbid the
    action, NotReady when there is no host to do it.
    """
    _require_alive(instance)
    legal = LEGAL[action]
    verb = VERBS.get(action, action.value)
    if instance.vm_state not in legal.states:
        raise IllegalInState(verb, instance.id, "vm_state", instance.vm_state)
    if legal.during is not None and instance.task not in legal.during:
        raise IllegalInState(verb, instance.id, "task_state", str(instance.task))
    if legal.needs_launch and instance.launched_at is None:
        raise IllegalInState(verb, instance.id, "launched_at", "None")
    if action in BY_A_HOST and instance.host is None:
        raise NotReady(instance.id)


def _require_alive(instance: Instance) -> None:
    if instance.is_deleted:
        raise NotFound(f"Instance {instance.id} could not be found.")
