"""Server status from states, and back."""

import pytest

from domain.instance.state import VmState
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
        ("no such state", None, "UNKNOWN"),
    ],
)
def test_a_status_follows_from_state_and_task(vm_state: str, task: str | None, status: str) -> None:
    assert status_of(vm_state, task) == status


def test_every_state_of_the_domain_has_a_status() -> None:
    assert {state.value for state in VmState} <= set(STATUS)


def test_a_status_leads_back_to_its_states() -> None:
    assert states_of("build") == (("building", None, ()),)
    assert ("active", "rebooting", ()) in states_of("REBOOT")
    (vm_state, task, others), *rest = states_of("ACTIVE")
    assert (vm_state, task, rest) == ("active", None, [])
    assert "rebooting" in others
    assert states_of("flying") == ()
