"""A reset declares what an instance is; what its host then finds, and cannot change, is what is recorded."""

from functools import partial

import pytest

from domain.instance.desired import Want
from domain.instance.pause import InstancePaused, pause
from domain.instance.rescue import InstanceRescued, rescue
from domain.instance.reset import reset_state
from domain.instance.state import PowerState, VmState
from domain.instance.suspend import InstanceSuspended, suspend
from tests.unit.domain.specification import AT, Change, given, placed, seen


@pytest.mark.parametrize(
    ("command", "found", "fact", "state", "want"),
    [
        (pause, {"power": PowerState.PAUSED}, InstancePaused, VmState.PAUSED, Want.PAUSED),
        (suspend, {"power": PowerState.SUSPENDED}, InstanceSuspended, VmState.SUSPENDED, Want.SUSPENDED),
        (partial(rescue, image={"id": "r"}), {"rescued": True}, InstanceRescued, VmState.RESCUED, Want.RESCUED),
    ],
)
def test_what_was_declared_active_and_is_not_is_recorded_as_it_is(
    command: Change, found: dict[str, object], fact: type, state: VmState, want: Want
) -> None:
    history = [
        placed(),
        seen(),
        partial(command, at=AT),
        seen(**found),  # type: ignore[arg-type]
        partial(reset_state, state=VmState.ACTIVE, at=AT),
    ]
    instance = given(*history).when(seen(error="It failed.", **found)).then(fact)  # type: ignore[arg-type]
    assert (instance.vm_state, instance.want) == (state, want)


def test_what_its_host_still_works_at_is_left_to_it() -> None:
    history = [placed(), seen(), partial(pause, at=AT), seen(PowerState.PAUSED)]
    given(*history, partial(reset_state, state=VmState.ACTIVE, at=AT)).when(seen(PowerState.PAUSED)).then()
