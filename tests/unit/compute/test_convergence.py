"""Whatever is asked, lost, repeated or broken on the way: once it is quiet, nothing is under way and the guest is as wanted.

The domain and the agent's plan, closed into one loop around a guest that is but a value.
"""

import contextlib
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.errors import DomainError
from domain.instance.crash_dump import trigger_crash_dump
from domain.instance.deletion import delete
from domain.instance.desired import Desired, Errand, ErrandKind, Want
from domain.instance.instance import Instance
from domain.instance.observation import Observation, observe
from domain.instance.password import change_password
from domain.instance.pause import pause, unpause
from domain.instance.power import reboot, start, stop
from domain.instance.rebuild import rebuild
from domain.instance.rescue import rescue, unrescue
from domain.instance.reset import reset_state
from domain.instance.snapshot import snapshot
from domain.instance.state import PowerState, StopReason, VmState
from domain.instance.suspend import resume, suspend
from services.compute.hypervisor import Actual
from services.compute.ledger import Applied
from services.compute.plan import OFF, Known, Step, begun, noted, plan
from tests.unit.domain.specification import AT, placed, requested

MOST_STEPS = 20  # that one desired state may take

POWER_AFTER = {
    Step.START: PowerState.RUNNING,
    Step.REBOOT: PowerState.RUNNING,
    Step.SHUT_DOWN: PowerState.SHUTDOWN,
    Step.PAUSE: PowerState.PAUSED,
    Step.UNPAUSE: PowerState.RUNNING,
    Step.SUSPEND: PowerState.SUSPENDED,
    Step.RESUME: PowerState.RUNNING,
}
POWER_OF = {
    Want.RUNNING: {PowerState.RUNNING},
    Want.RESCUED: {PowerState.RUNNING},
    Want.PAUSED: {PowerState.PAUSED},
    Want.SUSPENDED: {PowerState.SUSPENDED},
    Want.SHUTDOWN: OFF,
}


def desired_of(instance: Instance) -> Desired:
    """What the agent is told, as far as the plan reads it."""
    errand = instance.errand
    return Desired(
        instance.id,
        instance.generation,
        instance.want,
        instance.restarts,
        launched=instance.launched_at is not None,
        errand=None if errand is None else Errand(ErrandKind(errand["kind"])),
        dumps=instance.dumps,
    )


class Host:
    """An agent with one guest."""

    def __init__(self) -> None:
        self.actual: Actual | None = None
        self.applied: Applied | None = None
        self.session = 0

    def work(self, desired: Desired, *, fails: bool = False, steps: int = MOST_STEPS) -> Observation | None:
        """Take steps until none is left; None when it was ended before that."""
        for _ in range(steps):
            known = Known(desired, self.actual, self.applied, str(self.session))
            step = plan(known)
            if step is Step.REPORT:
                return self._report(desired)
            if fails and step is not Step.DESTROY:
                if step in {Step.BUILD, Step.REBUILD}:
                    self.actual = None
                self.applied, fails = noted(self.applied, desired, str(self.session), step, error="It failed."), False
                continue
            self._take(step, desired)
        assert steps < MOST_STEPS, f"the agent goes in circles over {desired}"
        return None

    def _take(self, step: Step, desired: Desired) -> None:
        if step is Step.DESTROY:
            self.actual = self.applied = None
            return
        if step in {Step.BUILD, Step.REBUILD, Step.UNRESCUE}:
            self.applied = begun(self.applied, desired, str(self.session)) if self.applied is None else self.applied
            self.actual = Actual(desired.instance_id, PowerState.RUNNING)
        elif step is Step.RESCUE:
            self.actual = Actual(desired.instance_id, PowerState.RUNNING, rescued=True)
        elif step in POWER_AFTER:
            assert self.actual is not None
            self.actual = replace(self.actual, power=POWER_AFTER[step])
        self.applied = noted(self.applied, desired, str(self.session), step)

    def _report(self, desired: Desired) -> Observation:
        applied, actual = self.applied, self.actual
        same = applied is not None and applied.generation == desired.generation
        if desired.want is not Want.ABSENT and not same:
            self.applied = noted(applied, desired, str(self.session), Step.REPORT)
        return Observation(
            desired.instance_id,
            desired.generation,
            exists=actual is not None,
            power=PowerState.NOSTATE if actual is None else actual.power,
            stop_reason=StopReason.GUEST,
            error=applied.error if same and applied is not None else None,
            rescued=actual is not None and actual.rescued,
        )


COMMANDS = [
    stop,
    start,
    partial(reboot, hard=False),
    partial(reboot, hard=True),
    pause,
    unpause,
    suspend,
    resume,
    partial(rescue, image={"id": "r"}),
    unrescue,
    partial(rebuild, changes={"image": {"id": "other"}}),
    partial(snapshot, image_id="s", disk_format="qcow2"),
    change_password,
    trigger_crash_dump,
]


class Convergence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.instance, self.host = requested(), Host()
        placed()(self.instance)
        self.stale: list[Observation] = []
        self.told = desired_of(self.instance)

    @rule(command=st.sampled_from(COMMANDS))
    def a_user_asks(self, command: Any) -> None:
        with contextlib.suppress(DomainError):
            command(self.instance, at=AT)

    @rule()
    def a_user_deletes(self) -> None:
        with contextlib.suppress(DomainError):
            delete(self.instance, at=AT)

    @rule(state=st.sampled_from([VmState.ACTIVE, VmState.ERROR]))
    def an_administrator_resets(self, state: VmState) -> None:
        with contextlib.suppress(DomainError):
            reset_state(self.instance, state=state, at=AT)

    @rule(fails=st.booleans(), steps=st.integers(1, 4), arrives=st.booleans(), told=st.booleans())
    def the_agent_works(self, fails: bool, steps: int, arrives: bool, told: bool) -> None:
        """It may hear nothing of what is wanted now, be ended in the middle, and its report may be lost."""
        if told and not self.instance.is_deleted:
            self.told = desired_of(self.instance)
        seen = self.host.work(self.told, fails=fails, steps=steps)
        if seen is not None:
            self.stale.append(seen)
            if arrives:
                observe(self.instance, seen, at=AT)

    @rule(which=st.integers(0, 30))
    def an_old_report_comes_late(self, which: int) -> None:
        if self.stale:
            observe(self.instance, self.stale[which % len(self.stale)], at=AT)

    @rule(power=st.sampled_from([PowerState.SHUTDOWN, PowerState.CRASHED]))
    def the_guest_stops_by_itself(self, power: PowerState) -> None:
        if self.host.actual is not None:
            self.host.actual = replace(self.host.actual, power=power)

    @rule()
    def the_guest_vanishes(self) -> None:
        self.host.actual = None

    @rule()
    def the_host_restarts(self) -> None:
        self.host.session += 1
        if self.host.actual is not None and self.host.actual.power is not PowerState.SUSPENDED:
            self.host.actual = replace(self.host.actual, power=PowerState.SHUTDOWN)

    @rule()
    def the_ledger_is_lost(self) -> None:
        self.host.applied = None

    @invariant()
    def once_it_is_quiet_nothing_is_under_way_and_the_guest_is_as_wanted(self) -> None:
        kept = self.instance, self.host
        self.instance, self.host = refolded(self.instance), copied(self.host)
        try:
            self._settle()
        finally:
            self.instance, self.host = kept

    def _settle(self) -> None:
        instance, host = self.instance, self.host
        for _ in range(10):
            if instance.is_deleted:
                return
            if instance.host is None:  # nothing of it is anywhere: the conductor ends its deletion
                return
            before = len(instance.pending_events)
            seen = host.work(desired_of(instance))
            assert seen is not None
            observe(instance, seen, at=AT)
            if len(instance.pending_events) == before:
                break
        else:
            raise AssertionError("it never comes to rest")
        assert instance.task is None
        assert instance.errand is None
        assert not instance.dump_pending
        if instance.vm_state in {VmState.ACTIVE, VmState.PAUSED, VmState.SUSPENDED, VmState.STOPPED}:
            assert host.actual is not None or instance.vm_state is VmState.STOPPED
            assert host.actual is None or host.actual.power in POWER_OF[instance.want]
            assert host.actual is None or not host.actual.rescued


def refolded(instance: Instance) -> Instance:
    state: Any = None
    for event in instance.pending_events:
        state = event.mutate(state)
    assert isinstance(state, Instance)
    return state


def copied(host: Host) -> Host:
    other = Host()
    other.actual, other.applied, other.session = host.actual, host.applied, host.session
    return other


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
