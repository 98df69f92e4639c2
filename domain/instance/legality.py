"""Which action is legal in which state: one table, read by the decisions, the API and the tests.

Source: Nova's `check_instance_state` as observed (docs: "Server concepts" of the compute API guide).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import IllegalInState, NotFound
from domain.instance.instance import Instance
from domain.instance.state import Task, VmState


class Action(StrEnum):
    """What a user may ask of an instance. Values are the words of Nova's conflict messages."""

    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    REBOOT_HARD = "reboot_hard"
    DELETE = "delete"
    CONSOLE_OUTPUT = "get_console_output"


@dataclass(frozen=True, slots=True)
class Legal:
    """When an action is legal."""

    states: frozenset[VmState]
    during: frozenset[Task] | None = frozenset()  # tasks that may be under way; None: any
    needs_launch: bool = True


ANY = frozenset(VmState) - {VmState.DELETED}

LEGAL: Mapping[Action, Legal] = {
    Action.START: Legal(frozenset({VmState.STOPPED})),
    Action.STOP: Legal(frozenset({VmState.ACTIVE, VmState.ERROR})),
    Action.REBOOT: Legal(frozenset({VmState.ACTIVE})),
    Action.REBOOT_HARD: Legal(
        frozenset({VmState.ACTIVE, VmState.STOPPED, VmState.ERROR}),
        during=frozenset({Task.REBOOTING, Task.REBOOTING_HARD}),
    ),
    Action.DELETE: Legal(ANY, during=None, needs_launch=False),
    Action.CONSOLE_OUTPUT: Legal(ANY - {VmState.BUILDING}, during=None, needs_launch=False),
}


def require_legal(instance: Instance, action: Action) -> None:
    """Pass when the action is legal now.

    Raises NotFound when the instance is deleted, IllegalInState when state, task or a missing launch forbid the action.
    """
    if instance.is_deleted:
        raise NotFound(f"Instance {instance.id} could not be found.")
    legal = LEGAL[action]
    verb = "reboot" if action is Action.REBOOT_HARD else action.value
    if instance.vm_state not in legal.states:
        raise IllegalInState(verb, instance.id, "vm_state", instance.vm_state)
    if legal.during is not None and instance.task is not None and instance.task not in legal.during:
        raise IllegalInState(verb, instance.id, "task_state", instance.task)
    if legal.needs_launch and instance.launched_at is None:
        raise IllegalInState(verb, instance.id, "launched_at", "None")
