"""Which action is legal when, held row by row against what was observed of Nova, written down here a second time."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from domain.errors import Conflict, IllegalInState, Locked, NotFound
from domain.instance.legality import BY_A_HOST, LEGAL, Action, require_legal, require_unlocked
from domain.instance.state import Task, VmState
from tests.unit.domain.specification import AT, ID, requested

EVERY = "active building paused suspended stopped rescued resized soft-delete error shelved shelved_offloaded"
STEADY = "active paused suspended stopped"
DISK = "active paused stopped resized soft-delete shelved shelved_offloaded"
HARD = "None rebooting reboot_pending reboot_started rebooting_hard resuming unpausing pausing suspending"

# action                  verb in the message      vm_states                          tasks       launched  heeds the lock
OBSERVED = """
start                   | start                | stopped                            | None      | yes | yes
stop                    | stop                 | active error                       | None      | yes | yes
reboot                  | reboot               | active                             | None      | yes | yes
reboot_hard             | reboot               | active stopped paused suspended error | HARD   | yes | yes
pause                   | pause                | active                             | None      | yes | yes
unpause                 | unpause              | paused                             | None      | yes | yes
suspend                 | suspend              | active                             | None      | yes | yes
resume                  | resume               | suspended                          | None      | yes | yes
rescue                  | rescue               | active stopped error               | None      | yes | yes
unrescue                | unrescue             | rescued                            | None      | yes | yes
rebuild                 | rebuild              | active stopped error               | None      | yes | yes
resize                  | resize               | active stopped                     | None      | yes | yes
migrate                 | migrate              | active stopped                     | None      | yes | yes
confirmResize           | confirmResize        | resized                            | None      | yes | yes
revertResize            | revertResize         | resized                            | None      | yes | yes
createImage             | createImage          | STEADY                             | None      | yes | no
createBackup            | createBackup         | STEADY                             | None      | yes | no
shelve                  | shelve               | STEADY                             | None      | yes | yes
shelveOffload           | shelveOffload        | shelved                            | None      | yes | yes
unshelve                | unshelve             | shelved shelved_offloaded          | None      | yes | yes
changePassword          | changePassword       | active                             | None      | yes | yes
os-migrateLive          | os-migrateLive       | active paused                      | None      | yes | yes
force_complete          | force_complete       | active                             | migrating | yes | yes
abort live migration    | abort live migration | EVERY                              | migrating | yes | yes
evacuate                | evacuate             | active stopped error               | any       | yes | no
trigger_crash_dump      | trigger_crash_dump   | active paused rescued resized error | None     | yes | yes
lock                    | lock                 | EVERY                              | any       | no  | no
unlock                  | unlock               | EVERY                              | any       | no  | no
os-resetState           | os-resetState        | EVERY                              | any       | no  | no
restore                 | restore              | soft-delete                        | None      | yes | yes
delete                  | delete               | EVERY                              | any       | no  | yes
forceDelete             | forceDelete          | EVERY                              | any       | no  | yes
get_console_output      | get_console_output   | BUILT                              | any       | no  | no
get_vnc_console         | get_vnc_console      | BUILT                              | any       | yes | no
attach_volume           | attach_volume        | DISK                               | None      | yes | yes
detach_volume           | detach_volume        | DISK                               | None      | yes | yes
swap_volume             | swap_volume          | active paused resized              | None      | yes | yes
attach_interface        | attach_interface     | active paused stopped              | None      | yes | yes
detach_interface        | detach_interface     | active paused stopped              | None      | yes | yes
update metadata         | update metadata      | STEADY                             | any       | yes | yes
delete metadata         | delete metadata      | STEADY                             | any       | yes | yes
update tags             | update tags          | STEADY                             | any       | no  | no
delete tags             | delete tags          | STEADY                             | any       | no  | no
security group          | security group       | EVERY                              | any       | no  | no
"""
STATES = {
    "STEADY": STEADY.split(),
    "DISK": DISK.split(),
    "EVERY": EVERY.split(),
    "BUILT": [state for state in EVERY.split() if state != "building"],
}
ROWS = [[cell.strip() for cell in line.split("|")] for line in OBSERVED.strip().splitlines()]
TASKS: tuple[Task | None, ...] = (None, *Task)


def test_every_action_is_in_the_table_and_was_observed() -> None:
    assert set(LEGAL) == set(Action) == {Action(row[0]) for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_an_action_is_legal_just_as_observed(row: list[str]) -> None:
    name, verb, states, tasks, launched, lock = row
    action, instance = Action(name), requested()
    instance.host = "host-1"
    allowed = STATES.get(states, states.split())
    during = {"HARD": HARD.split(), "any": ["None", *Task]}.get(tasks, tasks.split())
    for state, task, at in product(EVERY.split(), TASKS, (AT, None)):
        instance.vm_state, instance.task, instance.launched_at = VmState(state), task, at
        expected = None
        if state not in allowed:
            expected = f"vm_state {state}"
        elif str(task) not in during:
            expected = f"task_state {task}"
        elif launched == "yes" and at is None:
            expected = "launched_at None"
        said = refusal(lambda: require_legal(instance, action))
        assert said == (None if expected is None else f"Cannot '{verb}' instance {ID} while it is in {expected}")
    instance.locked = True
    assert refusal(lambda: require_unlocked(instance, action)) == (
        f"Instance {ID} is locked" if lock == "yes" else None
    )
    instance.locked = False
    require_unlocked(instance, action)


def test_what_a_host_does_is_refused_where_there_is_none() -> None:
    instance = requested()
    instance.vm_state, instance.task, instance.launched_at = VmState.ACTIVE, None, AT
    for action in BY_A_HOST:
        if VmState.ACTIVE in LEGAL[action].states and None in (LEGAL[action].during or {None}):
            assert refusal(partial(require_legal, instance, action)) == f"Instance {ID} is not ready"


def test_a_deleted_instance_takes_no_action() -> None:
    instance = requested()
    instance.vm_state = VmState.DELETED
    for action in Action:
        for require in (require_legal, require_unlocked):
            with pytest.raises(NotFound, match=f"Instance {ID} could not be found"):
                require(instance, action)


def test_a_refusal_is_a_conflict() -> None:
    assert issubclass(IllegalInState, Conflict)
    assert issubclass(Locked, Conflict)


def refusal(ask: Callable[[], None]) -> str | None:
    """What is said when it is refused; None when it passes."""
    try:
        ask()
    except Conflict as error:
        return str(error)
    return None
