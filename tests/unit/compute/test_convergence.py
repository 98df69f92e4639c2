"""Whatever is asked, lost, repeated or broken on the way: once it is quiet, nothing is under way and the guest is as wanted.

The domain and the agents' plan, closed into one loop around guests that are but values.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import DomainError
from domain.instance.crash_dump import trigger_crash_dump
from domain.instance.deletion import delete, finish_unplaced_deletion
from domain.instance.desired import Desired, Errand, ErrandKind, Want
from domain.instance.evacuation import evacuate
from domain.instance.instance import Instance
from domain.instance.live_migration import live_migrate
from domain.instance.move import awaits_destination, destination_chosen, no_destination, part_of
from domain.instance.observation import Observation, observe
from domain.instance.password import change_password
from domain.instance.pause import pause, unpause
from domain.instance.power import reboot, start, stop
from domain.instance.rebuild import rebuild
from domain.instance.rescue import rescue, unrescue
from domain.instance.reset import reset_state
from domain.instance.resize import confirm_resize, migrate, resize, revert_resize
from domain.instance.shelve import shelve, unshelve
from domain.instance.snapshot import snapshot
from domain.instance.state import PowerState, StopReason, Task, VmState
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
    Step.PARK: PowerState.SHUTDOWN,
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


def desired_of(instance: Instance, host: str) -> Desired:
    """What a host's agent is told, as far as the plan reads it."""
    part = part_of(instance, host)
    errand = instance.errand if part.lives_here else None
    return Desired(
        instance.id,
        instance.generation,
        part.want,
        instance.restarts,
        launched=instance.launched_at is not None,
        errand=None if errand is None else Errand(ErrandKind(errand["kind"])),
        arrival=part.arrival,
        dumps=instance.dumps if part.lives_here else 0,
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
                if step in {Step.BUILD, Step.REBUILD, Step.RECEIVE}:
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
        if step in {Step.BUILD, Step.REBUILD, Step.RECEIVE, Step.UNRESCUE}:
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


MOVES = [
    partial(resize, flavor={"id": "2", "name": "two", "vcpus": 2, "ram": 256, "disk": 1}),
    partial(migrate, host=None),
    confirm_resize,
    revert_resize,
    partial(live_migrate, host=None),
    partial(evacuate, host=None, stopped=True),
    partial(shelve, image_id="v", disk_format="qcow2"),
    partial(unshelve, image={"id": "v"}, host=None),
]
COMMANDS = [
    *MOVES,
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
NAMES = ("host-1", "host-2", "host-3")


class Convergence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.instance, self.hosts = requested(), {name: Host() for name in NAMES}
        self.reports: list[tuple[str, Observation]] = []
        self.told: dict[str, Desired] = {}

    @initialize(built=st.integers(0, 4))
    def it_is_placed(self, built: int) -> None:
        """Mostly it is active before anything goes wrong."""
        placed()(self.instance)
        if built:
            settle(self.instance, self.hosts)

    @rule(data=st.data())
    def a_user_asks(self, data: st.DataObject) -> None:
        """What is legal now: what is not changes nothing anyway."""
        legal = [command for command in COMMANDS if is_legal(command, self.instance)]
        if legal:
            data.draw(st.sampled_from(legal))(self.instance, at=AT)

    @rule(moves=st.booleans(), data=st.data())
    def a_user_asks_and_all_goes_well(self, moves: bool, data: st.DataObject) -> None:
        """So that what takes many steps is come by at all."""
        legal = [command for command in (MOVES if moves else COMMANDS) if is_legal(command, self.instance)]
        if legal:
            data.draw(st.sampled_from(legal))(self.instance, at=AT)
            self.all_goes_well_for_a_moment()
            self.all_goes_well_for_a_moment()

    @rule()
    def all_goes_well_for_a_moment(self) -> None:
        go_on(self.instance, self.hosts, told=self.told)

    @rule(reset=st.sampled_from([VmState.ACTIVE, VmState.ERROR, None]), really=st.integers(0, 9))
    def it_is_reset_or_deleted(self, reset: VmState | None, really: int) -> None:
        command = delete if reset is None else partial(reset_state, state=reset)
        if not really and is_legal(command, self.instance):
            command(self.instance, at=AT)

    @rule(name=st.sampled_from(NAMES), found=st.booleans())
    def the_scheduler_chooses(self, name: str, found: bool) -> None:
        if found:
            destination_chosen(self.instance, host=name, explanation={}, at=AT)
        else:
            no_destination(self.instance, reason="none", explanation={}, at=AT)

    @rule(
        name=st.sampled_from(NAMES),
        fails=st.booleans(),
        steps=st.integers(1, 4),
        arrives=st.booleans(),
        told=st.booleans(),
    )
    def an_agent_works(self, name: str, fails: bool, steps: int, arrives: bool, told: bool) -> None:
        """It may hear nothing of what is wanted now, be ended in the middle, and its report may be lost."""
        if told and not self.instance.is_deleted and name in self.instance.hosts:
            self.told[name] = desired_of(self.instance, name)
        if name not in self.told:
            return
        seen = self.hosts[name].work(self.told[name], fails=fails, steps=steps)
        if seen is not None:
            self.reports.append((name, seen))
            if arrives:
                observe(self.instance, seen, host=name, at=AT)

    @rule(which=st.integers(0, 30))
    def an_old_report_comes_late(self, which: int) -> None:
        if self.reports:
            name, seen = self.reports[which % len(self.reports)]
            observe(self.instance, seen, host=name, at=AT)

    @rule(name=st.sampled_from(NAMES), what=st.sampled_from(["stops", "crashes", "vanishes", "restarts", "forgets"]))
    def something_happens_on_a_host(self, name: str, what: str) -> None:
        host = self.hosts[name]
        if what == "restarts":
            host.session += 1
        if what == "forgets":
            host.applied = None
        elif what == "vanishes":
            host.actual = None
        elif host.actual is not None and (what != "restarts" or host.actual.power is not PowerState.SUSPENDED):
            power = PowerState.CRASHED if what == "crashes" else PowerState.SHUTDOWN
            host.actual = replace(host.actual, power=power)

    @invariant()
    def once_it_is_quiet_nothing_is_under_way_and_guests_are_where_and_as_wanted(self) -> None:
        instance = refolded(self.instance)
        if instance.host is None and instance.task is Task.SCHEDULING:
            return  # it was not placed yet
        hosts = {name: copied(host) for name, host in self.hosts.items()}
        settle(instance, hosts)
        if instance.is_deleted:
            return
        assert (instance.task, instance.errand, instance.dump_pending) == (None, None, False)
        assert instance.leaving == []
        assert instance.move is None or instance.vm_state is VmState.RESIZED
        for name, host in hosts.items():
            # One whose build failed may be built once more by an agent that has lost its ledger: that guest is drift.
            if name not in {instance.host, instance.parked} and instance.launched_at is not None:
                assert host.actual is None or name not in self.told, "a guest is left where nothing of it should be"
        if instance.vm_state in {VmState.ACTIVE, VmState.PAUSED, VmState.SUSPENDED, VmState.STOPPED} and instance.host:
            actual = hosts[instance.host].actual
            assert actual is not None or instance.vm_state is VmState.STOPPED
            assert actual is None or (actual.power in POWER_OF[instance.want] and not actual.rescued)


def settle(instance: Instance, hosts: dict[str, Host]) -> None:
    """What the region does by itself, until nothing is left to do."""
    for _ in range(20):
        before = len(instance.pending_events)
        go_on(instance, hosts)
        if len(instance.pending_events) == before:
            return
    raise AssertionError("it never comes to rest")


def go_on(instance: Instance, hosts: dict[str, Host], *, told: dict[str, Desired] | None = None) -> None:
    """One round of that: everybody does what there is to do. `told` notes what agents heard last: they never go back behind it."""
    if awaits_destination(instance):
        free = [name for name in NAMES if name not in instance.hosts]
        if free:
            destination_chosen(instance, host=free[0], explanation={}, at=AT)
        else:
            no_destination(instance, reason="none", explanation={}, at=AT)
    finish_unplaced_deletion(instance, at=AT)
    for name in instance.hosts:
        if not instance.is_deleted and name in instance.hosts:
            desired = desired_of(instance, name)
            if told is not None:
                told[name] = desired
            seen = hosts[name].work(desired)
            assert seen is not None
            observe(instance, seen, host=name, at=AT)


def is_legal(command: Any, instance: Instance) -> bool:
    try:
        command(refolded(instance), at=AT)
    except DomainError:
        return False
    return True


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
TestConvergence.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
