"""Server status from states, and back."""

import pytest

from domain.instance.state import Task, VmState
from services.api.compute.status import STATUS, states_of, status_of


@pytest.mark.parametrize(
    ("vm_state", "task", "status"),
    [
        ("building", "scheduling", "BUILD"),
        ("building", "spawning", "BUILD"),
        ("active", None, "ACTIVE"),
        ("active", "powering-off", "ACTIVE"),
        ("active", "deleting", "ACTIVE"),
        ("active", "rebooting", "REBOOT"),
        ("active", "rebooting_hard", "HARD_REBOOT"),
        ("active", "resize_prep", "RESIZE"),
        ("stopped", None, "SHUTOFF"),
        ("stopped", "powering-on", "SHUTOFF"),
        ("stopped", "rebooting_hard", "SHUTOFF"),
        ("error", None, "ERROR"),
        ("error", "rebuilding", "REBUILD"),
        ("deleted", None, "DELETED"),
        ("active", "updating_password", "PASSWORD"),
        ("active", "migrating", "MIGRATING"),
        ("paused", "migrating", "MIGRATING"),
        ("active", "pausing", "ACTIVE"),
        ("paused", None, "PAUSED"),
        ("suspended", None, "SUSPENDED"),
        ("rescued", "unrescuing", "RESCUE"),
        ("stopped", "rebuild_spawning", "REBUILD"),
        ("stopped", "resize_finish", "RESIZE"),
        ("resized", None, "VERIFY_RESIZE"),
        ("resized", "resize_reverting", "REVERT_RESIZE"),
        ("soft-delete", None, "SOFT_DELETED"),
        ("shelved", "unshelving", "SHELVED"),
        ("shelved_offloaded", None, "SHELVED_OFFLOADED"),
        ("no such state", None, "UNKNOWN"),
    ],
)
def test_a_status_follows_from_state_and_task(vm_state: str, task: str | None, status: str) -> None:
    assert status_of(vm_state, task) == status


def test_every_state_of_the_domain_has_a_status_and_every_task_in_the_map_is_one_of_the_domains() -> None:
    assert {state.value for state in VmState} == set(STATUS)
    assert {task for _, others in STATUS.values() for task in others} <= {task.value for task in Task}


def test_a_status_leads_back_to_its_states() -> None:
    assert states_of("build") == (("building", None, ()),)
    assert ("active", "rebooting", ()) in states_of("REBOOT")
    (vm_state, task, others), *rest = states_of("ACTIVE")
    assert (vm_state, task, rest) == ("active", None, [])
    assert "rebooting" in others
    assert states_of("flying") == ()
