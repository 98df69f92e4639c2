from functools import partial
from typing import Any

import pytest

from domain.errors import IllegalInState, NotFound
from domain.instance.build import BuildFailed, BuildStarted, InstanceActivated
from domain.instance.deletion import DeletionRequested, InstanceDeleted, delete, finish_unplaced_deletion
from domain.instance.desired import Want
from domain.instance.observation import Observation, observe
from domain.instance.power import (
    InstanceLost,
    InstanceRebooted,
    InstanceStarted,
    InstanceStopped,
    OperationFailed,
    RebootRequested,
    StartRequested,
    StopRequested,
    reboot,
    start,
    stop,
)
from domain.instance.scheduling import InstanceScheduled, SchedulingFailed, scheduling_failed
from domain.instance.state import PowerState, StopReason, Task, VmState
from tests.unit.domain.specification import AT, ID, given, placed, requested, seen

off = seen(PowerState.SHUTDOWN)
gone = seen(PowerState.NOSTATE, exists=False)
do_stop, do_start, do_delete = partial(stop, at=AT), partial(start, at=AT), partial(delete, at=AT)
soft, hard = partial(reboot, hard=False, at=AT), partial(reboot, hard=True, at=AT)


def test_a_requested_instance_waits_for_the_scheduler() -> None:
    instance = requested()
    assert (instance.vm_state, instance.task, instance.host) == (VmState.BUILDING, Task.SCHEDULING, None)


def test_a_scheduled_instance_is_spawning_on_its_host() -> None:
    instance = given().when(placed("host-7")).then(InstanceScheduled)
    assert (instance.host, instance.task) == ("host-7", Task.SPAWNING)


def test_a_second_decision_of_a_scheduler_changes_nothing() -> None:
    given(placed("host-1")).when(placed("host-2")).then()


def test_an_instance_that_fits_nowhere_is_in_error_with_the_reason_as_its_fault() -> None:
    instance = (
        given()
        .when(lambda it: scheduling_failed(it, reason="No valid host was found.", explanation={}, at=AT))
        .then(SchedulingFailed)
    )
    assert instance.vm_state is VmState.ERROR
    assert instance.fault == {"code": 500, "message": "No valid host was found.", "created": AT}


def test_a_build_is_recorded_as_begun_once() -> None:
    working = seen(settled=False, exists=False)
    given(placed()).when(working).then(BuildStarted)
    given(placed(), working).when(working).then()


def test_a_guest_that_runs_makes_the_instance_active() -> None:
    instance = given(placed()).when(seen(stages={"disk": 0.1})).then(InstanceActivated)
    assert (instance.vm_state, instance.task, instance.launched_at) == (VmState.ACTIVE, None, AT)


def test_a_guest_that_powers_itself_off_at_once_was_active_and_is_stopped() -> None:
    given(placed()).when(seen(PowerState.SHUTDOWN, stop_reason=StopReason.GUEST)).then(
        InstanceActivated, InstanceStopped
    )


def test_a_build_that_fails_leaves_the_instance_in_error_and_on_no_host() -> None:
    instance = given(placed("h")).when(seen(exists=False, error="disk full")).then(BuildFailed)
    assert (instance.vm_state, instance.host, instance.nics) == (VmState.ERROR, None, [])
    event = instance.pending_events[-1]
    assert isinstance(event, BuildFailed)
    assert (event.host, event.reason) == ("h", "disk full")


def test_stop_start_and_reboot_each_end_when_the_agent_has_seen_it() -> None:
    given(placed(), seen()).when(do_stop).then(StopRequested)
    given(placed(), seen(), do_stop).when(off).then(InstanceStopped)
    given(placed(), seen(), do_stop, off).when(do_start).then(StartRequested)
    given(placed(), seen(), do_stop, off, do_start).when(seen()).then(InstanceStarted)
    given(placed(), seen()).when(soft).then(RebootRequested)
    given(placed(), seen(), soft).when(seen()).then(InstanceRebooted)


def test_each_request_raises_the_generation_and_a_reboot_counts() -> None:
    instance = given(placed(), seen()).when(hard).then(RebootRequested)
    assert (instance.generation, instance.restarts.count, instance.restarts.hard) == (2, 1, True)


def test_a_stopped_instance_cannot_be_stopped_again() -> None:
    given(placed(), seen(), do_stop, off).when(do_stop).then_raises(
        IllegalInState, f"Cannot 'stop' instance {ID} while it is in vm_state stopped"
    )


def test_an_instance_with_a_task_under_way_takes_no_other() -> None:
    given(placed(), seen(), do_stop).when(soft).then_raises(
        IllegalInState, f"Cannot 'reboot' instance {ID} while it is in task_state powering-off"
    )


def test_an_instance_that_never_ran_cannot_be_stopped() -> None:
    failed = partial(scheduling_failed, reason="none", explanation={}, at=AT)
    given(failed).when(do_stop).then_raises(
        IllegalInState, f"Cannot 'stop' instance {ID} while it is in launched_at None"
    )


def test_a_guest_that_powers_itself_off_ends_stopped_and_is_left_off() -> None:
    instance = (
        given(placed(), seen()).when(seen(PowerState.SHUTDOWN, stop_reason=StopReason.GUEST)).then(InstanceStopped)
    )
    assert (instance.vm_state, instance.task, instance.want) == (VmState.STOPPED, None, Want.SHUTDOWN)
    assert instance.generation == 2


@pytest.mark.parametrize(
    ("power", "reason", "expected"),
    [
        (PowerState.SHUTDOWN, StopReason.GUEST, "guest"),
        (PowerState.CRASHED, None, "crashed"),
        (PowerState.SHUTDOWN, None, "host"),
    ],
)
def test_the_log_says_why_a_guest_stopped(power: PowerState, reason: StopReason | None, expected: str) -> None:
    instance = given(placed(), seen()).when(seen(power, stop_reason=reason)).then(InstanceStopped)
    event = instance.pending_events[-1]
    assert isinstance(event, InstanceStopped)
    assert event.reason == expected


def test_a_guest_that_vanished_is_lost_and_not_stopped() -> None:
    given(placed(), seen()).when(gone).then(InstanceLost)


def test_an_operation_that_fails_gives_the_instance_back_as_it_is() -> None:
    instance = given(placed(), seen(), do_stop).when(seen(error="no answer")).then(OperationFailed)
    assert (instance.vm_state, instance.task, instance.want) == (VmState.ACTIVE, None, Want.RUNNING)


def test_a_report_on_another_generation_says_nothing() -> None:
    stale = Observation(ID, 1, exists=True, power=PowerState.SHUTDOWN)
    given(placed(), seen(), soft).when(lambda it: observe(it, stale, at=AT)).then()


def test_a_report_that_says_nothing_new_changes_nothing() -> None:
    given(placed(), seen()).when(seen()).then()
    given(placed(), seen(), do_stop, off).when(off).then()


def test_a_deletion_is_done_when_its_host_has_nothing_left() -> None:
    given(placed(), seen()).when(do_delete).then(DeletionRequested)
    given(placed(), seen(), do_delete).when(seen()).then()
    given(placed(), seen(), do_delete).when(gone).then(InstanceDeleted)


def test_a_deletion_asked_for_twice_is_one() -> None:
    given(placed(), do_delete).when(do_delete).then()


def test_an_instance_without_a_host_is_deleted_at_once() -> None:
    given(do_delete).when(partial(finish_unplaced_deletion, at=AT)).then(InstanceDeleted)
    given(placed(), do_delete).when(partial(finish_unplaced_deletion, at=AT)).then()


def test_a_deletion_overtakes_the_scheduler() -> None:
    given(do_delete).when(placed()).then()


@pytest.mark.parametrize("command", [do_stop, do_start, soft, hard, do_delete])
def test_a_deleted_instance_takes_no_more_commands(command: Any) -> None:
    given(placed(), seen(), do_delete, gone).when(command).then_raises(NotFound, f"Instance {ID} could not be found.")
