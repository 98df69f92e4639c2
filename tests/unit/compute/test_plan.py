"""The agent's plan, as a table: what is wanted, what is there, what was brought about → the next step."""

import pytest

from domain.instance.desired import Desired, Restarts, Want
from domain.instance.state import PowerState
from services.compute.hypervisor import Actual
from services.compute.ledger import Applied
from services.compute.plan import Known, Step, plan

RUNNING, OFF, CRASHED = (Actual("i", power) for power in (PowerState.RUNNING, PowerState.SHUTDOWN, PowerState.CRASHED))
NOW = Applied(generation=3, restarts=0, session="s")
EARLIER = Applied(generation=2, restarts=0, session="s")
BEFORE_REBOOT = Applied(generation=3, restarts=0, session="another")
GAVE_UP = Applied(generation=3, restarts=0, session="s", error="no")


@pytest.mark.parametrize(
    ("want", "launched", "actual", "applied", "step"),
    [
        (Want.RUNNING, False, None, None, Step.BUILD),
        (Want.RUNNING, False, None, Applied(0, 0, "s"), Step.BUILD),
        (Want.RUNNING, False, None, GAVE_UP, Step.REPORT),
        (Want.RUNNING, True, None, None, Step.REPORT),
        (Want.RUNNING, True, None, EARLIER, Step.REPORT),
        (Want.RUNNING, False, RUNNING, None, Step.REPORT),
        (Want.RUNNING, True, RUNNING, NOW, Step.REPORT),
        (Want.RUNNING, True, OFF, EARLIER, Step.START),
        (Want.RUNNING, True, OFF, NOW, Step.REPORT),
        (Want.RUNNING, True, CRASHED, NOW, Step.REPORT),
        (Want.RUNNING, True, OFF, BEFORE_REBOOT, Step.START),
        (Want.RUNNING, True, OFF, GAVE_UP, Step.REPORT),
        (Want.SHUTDOWN, True, RUNNING, EARLIER, Step.SHUT_DOWN),
        (Want.SHUTDOWN, True, RUNNING, NOW, Step.SHUT_DOWN),
        (Want.SHUTDOWN, True, OFF, EARLIER, Step.REPORT),
        (Want.SHUTDOWN, True, OFF, BEFORE_REBOOT, Step.REPORT),
        (Want.ABSENT, True, RUNNING, NOW, Step.DESTROY),
        (Want.ABSENT, True, OFF, None, Step.DESTROY),
        (Want.ABSENT, False, None, Applied(0, 0, "s"), Step.DESTROY),
        (Want.ABSENT, True, None, None, Step.REPORT),
    ],
)
def test_the_next_step(want: Want, launched: bool, actual: Actual | None, applied: Applied | None, step: Step) -> None:
    desired = Desired("i", generation=3, want=want, launched=launched)
    assert plan(Known(desired, actual, applied, session="s")) is step


def test_a_reboot_is_due_until_it_was_done_once() -> None:
    desired = Desired("i", generation=3, want=Want.RUNNING, restarts=Restarts(1), launched=True)
    assert plan(Known(desired, RUNNING, EARLIER, "s")) is Step.REBOOT
    assert plan(Known(desired, OFF, EARLIER, "s")) is Step.REBOOT
    assert plan(Known(desired, RUNNING, Applied(3, 1, "s"), "s")) is Step.REPORT
