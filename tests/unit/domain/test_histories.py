"""Random histories: whatever is asked and reported in whatever order, the rules of the log hold."""

import contextlib
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.aggregate import Aggregate
from domain.errors import DomainError
from domain.host.claims import claim, release
from domain.host.host import Host, change_inventory, register
from domain.host.service import came_up, disable, enable, went_down
from domain.instance.deletion import delete, finish_unplaced_deletion
from domain.instance.observation import Observation, observe
from domain.instance.power import reboot, start, stop
from domain.instance.scheduling import scheduling_failed
from domain.instance.state import PowerState, StopReason, VmState
from domain.network import Wanted, allocate, create_network, release_addresses
from domain.resources import RESOURCE_NAMES, Resources, lacking, total
from journal.envelope import Author, Recorded, seal
from journal.stored import Stored
from tests.unit.domain.specification import AT, placed, requested

AUTHOR = Author(actor="user:test", source="test")


def refolded(aggregate: Aggregate) -> Aggregate | None:
    """The aggregate as anybody gets it who reads its events from the log."""
    state: Any = None
    previous = ""
    for position, event in enumerate(aggregate.pending_events, 1):
        sealed = seal(type(aggregate), event, AUTHOR, previous=previous)  # type: ignore[arg-type]
        subject = f"evt.{aggregate.KIND}.{aggregate.id}"
        state = Recorded.of(Stored(position, subject, sealed.block, sealed.body)).event.mutate(state)
        previous = sealed.hash
    return state  # type: ignore[no-any-return]


def state_of(aggregate: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(aggregate).items() if name != "_pending_events"}


class InstanceHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.instance = requested()
        self.events_when_deleted: int | None = None

    def attempt(self, change: Any, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(DomainError):
            change(self.instance, *args, at=AT, **kwargs)
        if self.instance.is_deleted and self.events_when_deleted is None:
            self.events_when_deleted = len(self.instance.pending_events)

    @rule()
    def is_placed(self) -> None:
        placed()(self.instance)

    @rule()
    def fits_nowhere(self) -> None:
        self.attempt(scheduling_failed, reason="none", explanation={})

    @rule(command=st.sampled_from([stop, start, delete, finish_unplaced_deletion]))
    def is_asked(self, command: Any) -> None:
        self.attempt(command)

    @rule(hard=st.booleans())
    def is_rebooted(self, hard: bool) -> None:
        self.attempt(reboot, hard=hard)

    @rule(
        behind=st.integers(0, 1),
        exists=st.booleans(),
        settled=st.booleans(),
        power=st.sampled_from(PowerState),
        reason=st.sampled_from([None, *StopReason]),
        error=st.sampled_from([None, "it failed"]),
    )
    def is_reported(self, behind: int, **parts: Any) -> None:
        seen = Observation(
            self.instance.id,
            self.instance.generation - behind,
            exists=parts["exists"],
            power=parts["power"],
            settled=parts["settled"],
            stop_reason=parts["reason"],
            error=parts["error"],
        )
        self.attempt(observe, seen)

    @invariant()
    def versions_are_contiguous(self) -> None:
        versions = [event.originator_version for event in self.instance.pending_events]
        assert versions == list(range(1, len(versions) + 1))

    @invariant()
    def a_deleted_instance_takes_no_more(self) -> None:
        if self.events_when_deleted is not None:
            assert len(self.instance.pending_events) == self.events_when_deleted
            assert self.instance.vm_state is VmState.DELETED

    @invariant()
    def what_runs_has_a_host(self) -> None:
        if self.instance.vm_state in {VmState.ACTIVE, VmState.STOPPED}:
            assert self.instance.host is not None

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.instance)) == state_of(self.instance)


amounts = st.builds(Resources, st.integers(0, 8), st.integers(0, 4096), st.integers(0, 40))


class HostHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.host: Host = register("host-1", inventory(4, 8192, 100), at=AT)

    @rule(asks=st.dictionaries(st.sampled_from([f"i-{number}" for number in range(10)]), amounts, max_size=4))
    def is_claimed(self, asks: dict[str, Resources]) -> None:
        held = dict(self.host.claims)
        refused = claim(self.host, asks, at=AT)
        for instance_id, ask in asks.items():
            if instance_id not in refused:
                assert self.host.claims[instance_id] == ask
            else:
                assert self.host.claims.get(instance_id) == held.get(instance_id) != ask
                assert instance_id in held or lacking(self.host.free, ask)

    @rule(instance=st.integers(0, 9))
    def is_released(self, instance: int) -> None:
        release(self.host, [f"i-{instance}", "unknown"], at=AT)
        assert f"i-{instance}" not in self.host.claims

    @rule(change=st.sampled_from([went_down, came_up, enable]))
    def changes_state(self, change: Any) -> None:
        change(self.host, at=AT)

    @rule(reason=st.sampled_from([None, "broken fan"]))
    def is_disabled(self, reason: str | None) -> None:
        disable(self.host, reason=reason, at=AT)

    @precondition(lambda self: not self.host.claims)
    @rule(vcpus=st.integers(1, 8))
    def is_rebuilt(self, vcpus: int) -> None:
        change_inventory(self.host, inventory(vcpus, 8192, 100), at=AT)

    @invariant()
    def claims_never_exceed_capacity(self) -> None:
        claimed = total(self.host.claims.values())
        assert claimed == self.host.claimed
        assert all(getattr(claimed, name) <= getattr(self.host.capacity, name) for name in RESOURCE_NAMES)

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.host)) == state_of(self.host)


def inventory(vcpus: int, memory_mib: int, disk_gib: int) -> dict[str, Any]:
    return {
        "vcpus": vcpus,
        "memory_mib": memory_mib,
        "disk_gib": disk_gib,
        "allocation_ratios": {"vcpus": 4.0, "memory_mib": 1.0, "disk_gib": 1.0},
        "reserved": {"vcpus": 0, "memory_mib": 512, "disk_gib": 0},
    }


class NetworkHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.network = create_network(
            "11111111-0000-4000-8000-000000000000",
            project_id="p",
            name="n",
            cidr="10.0.0.0/29",
            subnet_id="s",
            at=AT,
        )

    @rule(
        instance=st.integers(0, 4), port=st.integers(0, 9), fixed=st.sampled_from([None, "10.0.0.4", "10.0.0.9", "x"])
    )
    def is_asked_for_addresses(self, instance: int, port: int, fixed: str | None) -> None:
        ports = [f"11111111-0000-4000-8000-00000000000{number}" for number in (port, (port + 1) % 10)]
        wanted = [Wanted(ports[0], f"i-{instance}", fixed), Wanted(ports[1], f"i-{instance}")]
        refused = allocate(self.network, wanted, at=AT)
        assert refused.keys() == set(ports) - self.network.ports.keys()

    @rule(instance=st.integers(0, 4))
    def is_given_back(self, instance: int) -> None:
        release_addresses(self.network, [f"i-{instance}"], at=AT)
        assert all(held["instance_id"] != f"i-{instance}" for held in self.network.ports.values())

    @invariant()
    def no_address_is_given_twice_and_none_that_is_not_ours(self) -> None:
        given = [held["address"] for held in self.network.ports.values()]
        assert len(given) == len(set(given)) == len(self.network.taken)
        assert set(given) <= {f"10.0.0.{number}" for number in range(2, 7)}

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.network)) == state_of(self.network)


TestInstanceHistories = InstanceHistories.TestCase
TestHostHistories = HostHistories.TestCase
TestNetworkHistories = NetworkHistories.TestCase
for case in (TestInstanceHistories, TestHostHistories, TestNetworkHistories):
    case.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
