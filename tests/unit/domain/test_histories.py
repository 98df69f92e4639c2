"""Random histories: whatever is asked and reported in whatever order, the rules of the log hold."""

import contextlib
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.aggregate import Aggregate
from domain.errors import DomainError, Invalid, QuotaExceeded
from domain.host.claims import claim, release
from domain.host.host import Host, change_inventory, register
from domain.host.service import came_up, disable, enable, went_down
from domain.identity.project import create_project
from domain.image.availability import deactivate, reactivate
from domain.image.change import change_image, tag_image, untag_image
from domain.image.image import ImageStatus, create_image, delete_image
from domain.image.sharing import MemberStatus, answer_sharing, share_with, stop_sharing
from domain.image.upload import uploaded
from domain.instance.crash_dump import trigger_crash_dump
from domain.instance.deletion import delete, finish_unplaced_deletion
from domain.instance.details import change_details
from domain.instance.evacuation import evacuate
from domain.instance.interfaces import attach_interface, detach_interface
from domain.instance.live_migration import live_migrate
from domain.instance.lock import lock, unlock
from domain.instance.metadata import delete_metadata, update_metadata
from domain.instance.move import destination_chosen, no_destination
from domain.instance.observation import ENDS, Observation, observe
from domain.instance.password import change_password
from domain.instance.pause import pause, unpause
from domain.instance.power import reboot, start, stop
from domain.instance.rebuild import rebuild
from domain.instance.rescue import rescue, unrescue
from domain.instance.reset import reset_state
from domain.instance.resize import confirm_resize, migrate, resize, revert_resize
from domain.instance.scheduling import scheduling_failed
from domain.instance.shelve import offload, shelve, unshelve
from domain.instance.snapshot import snapshot
from domain.instance.state import PowerState, StopReason, Task, VmState
from domain.instance.suspend import resume, suspend
from domain.instance.tags import remove_tag, replace_tags
from domain.network.addresses import Wanted, allocate, release_addresses
from domain.network.network import create_empty_network, create_network, delete_network
from domain.network.port import change_port, create_port, delete_port
from domain.network.subnet import change_subnet, create_subnet, delete_subnet
from domain.project.quota import change_quota, limits_of, reset_quota
from domain.project.usage import Ask, note_usage, release_usage, reserve
from domain.resources import RESOURCE_NAMES, Resources, lacking, total
from domain.security_group.group import change_group, create_default_group, delete_group, restore_default_group
from domain.security_group.rule import Rule
from domain.security_group.rules import add_rule, remove_rule
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
        self.was_reset = False  # by an administrator, who may say what is not so

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

    @rule(
        command=st.sampled_from(
            [
                pause,
                unpause,
                suspend,
                resume,
                unrescue,
                change_password,
                trigger_crash_dump,
                unlock,
                partial(lock, by="owner", reason=None),
                partial(rescue, image={"id": "r"}),
                partial(rebuild, changes={"image": {"id": "other"}}),
                partial(resize, flavor={"id": "2", "name": "two", "vcpus": 2, "ram": 256, "disk": 1}),
                partial(migrate, host=None),
                confirm_resize,
                revert_resize,
                partial(live_migrate, host=None),
                partial(evacuate, host=None, stopped=False),
                partial(shelve, image_id="v", disk_format="qcow2"),
                offload,
                partial(unshelve, image={"id": "v"}, host=None),
                partial(snapshot, image_id="s", disk_format="qcow2"),
                partial(snapshot, image_id="b", disk_format="qcow2", backup={"type": "daily", "keep": 1}),
            ]
        )
    )
    def is_acted_on(self, command: Any) -> None:
        self.attempt(command)

    @rule(host=st.sampled_from(["host-1", "host-2", "host-3"]))
    def is_given_a_destination(self, host: str) -> None:
        self.attempt(destination_chosen, host=host, explanation={})

    @rule()
    def finds_no_destination(self) -> None:
        self.attempt(no_destination, reason="none", explanation={})

    @rule(state=st.sampled_from([VmState.ACTIVE, VmState.ERROR]))
    def is_reset(self, state: VmState) -> None:
        self.attempt(reset_state, state=state)
        self.was_reset = True

    @rule(hard=st.booleans())
    def is_rebooted(self, hard: bool) -> None:
        self.attempt(reboot, hard=hard)

    @rule(
        host=st.sampled_from([None, "host-1", "host-2", "host-3"]),
        behind=st.integers(0, 1),
        exists=st.booleans(),
        settled=st.booleans(),
        power=st.sampled_from(PowerState),
        reason=st.sampled_from([None, *StopReason]),
        error=st.sampled_from([None, "it failed"]),
        rescued=st.booleans(),
    )
    def is_reported(self, host: str | None, behind: int, **parts: Any) -> None:
        seen = Observation(
            self.instance.id,
            self.instance.generation - behind,
            exists=parts["exists"],
            power=parts["power"],
            settled=parts["settled"],
            stop_reason=parts["reason"],
            error=parts["error"],
            rescued=parts["rescued"],
        )
        before = self.instance.task
        self.attempt(observe, seen, host=host)
        if host is None and not behind and parts["settled"] and before in ENDS:
            assert self.instance.task is None, f"{before} outlived a report"

    @rule(
        name=st.sampled_from(["vm", "web"]),
        address=st.sampled_from([None, "192.0.2.7"]),
        tags=st.sets(st.sampled_from("abc")),
        metadata=st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
        replace=st.booleans(),
    )
    def is_described(
        self, name: str, address: str | None, tags: set[str], metadata: dict[str, str], replace: bool
    ) -> None:
        generation = self.instance.generation
        self.attempt(change_details, name=name, access_ipv4=address)
        self.attempt(replace_tags, tags)
        self.attempt(update_metadata, metadata, replace=replace)
        self.attempt(delete_metadata, "a")
        self.attempt(remove_tag, "a")
        assert self.instance.generation == generation

    @rule(port=st.sampled_from("xyz"), away=st.booleans())
    def gains_or_loses_a_card(self, port: str, away: bool) -> None:
        if away:
            self.attempt(detach_interface, port)
        else:
            self.attempt(attach_interface, {"port_id": port, "network_id": "n"})

    @invariant()
    def a_card_is_there_once(self) -> None:
        ports = [nic["port_id"] for nic in self.instance.nics]
        assert len(ports) == len(set(ports))

    @invariant()
    def tags_are_sorted_and_once(self) -> None:
        assert self.instance.tags == sorted(set(self.instance.tags))

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
        nowhere = {VmState.BUILDING, VmState.ERROR, VmState.DELETED, VmState.SHELVED_OFFLOADED}
        over = self.was_reset or self.instance.task is Task.DELETING
        if self.instance.vm_state not in nowhere and not over:
            assert self.instance.host is not None

    @invariant()
    def no_host_has_two_parts(self) -> None:
        it = self.instance
        parts = [it.host, it.parked, *it.leaving]
        if it.move is not None and it.host != it.move.target:
            parts.append(it.move.target)
        named = [host for host in parts if host is not None]
        assert len(named) == len(set(named)) == len(it.hosts)

    @invariant()
    def nothing_is_left_of_what_is_over(self) -> None:
        if self.instance.task is None:
            assert self.instance.errand is None
            assert self.instance.move is None or self.instance.vm_state is VmState.RESIZED
        if self.instance.is_deleted:
            assert not self.instance.leaving

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


NETWORK_ID = "11111111-0000-4000-8000-000000000000"
PORT_IDS = [f"11111111-0000-4000-8000-00000000000{number}" for number in range(10)]


class NetworkHistories(RuleBasedStateMachine):
    """A network that came with its subnet, or got it later; ports of instances, and ports that users made."""

    def __init__(self) -> None:
        super().__init__()
        self.network = create_network(NETWORK_ID, project_id="p", name="n", cidr="10.0.0.0/29", subnet_id="s", at=AT)
        self.kept: set[str] = set()

    def attempt(self, change: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether it was done."""
        try:
            change(self.network, *args, at=AT, **kwargs)
        except DomainError:
            return False
        return True

    @initialize(pool=st.sampled_from([None, ("4", "5"), ("2", "3")]))
    def was_made_without_a_subnet(self, pool: tuple[str, str] | None) -> None:
        if pool is not None:
            self.network = create_empty_network(NETWORK_ID, project_id="p", name="n", at=AT)
            pools = [{"start": f"10.0.0.{pool[0]}", "end": f"10.0.0.{pool[1]}"}]
            create_subnet(self.network, "s1", cidr="10.0.0.0/29", pools=pools, at=AT)

    @rule(gateway=st.sampled_from([None, "10.0.0.3", "10.0.0.6", "10.0.0.7"]), pool=st.booleans())
    def gets_a_subnet(self, gateway: str | None, pool: bool) -> None:
        had = self.network.cidr
        pools = [{"start": "10.0.0.4", "end": "10.0.0.5"}] if pool else None
        done = self.attempt(create_subnet, "s2", cidr="10.0.0.0/29", gateway=gateway, pools=pools)
        assert not (done and had)

    @rule(pools=st.sampled_from([[("2", "3")], [("2", "2"), ("4", "6")], [("2", "6")], [("1", "9")], [("5", "4")]]))
    def gets_other_pools(self, pools: list[tuple[str, str]]) -> None:
        wanted = [{"start": f"10.0.0.{start}", "end": f"10.0.0.{end}"} for start, end in pools]
        self.attempt(change_subnet, {"pools": wanted})

    @rule()
    def loses_its_subnet(self) -> None:
        taken = set(self.network.taken)
        assert not (self.attempt(delete_subnet) and taken)

    @rule()
    def is_deleted(self) -> None:
        ports = dict(self.network.ports)
        assert self.attempt(delete_network) is not bool(ports)

    @rule(
        instance=st.integers(0, 4),
        port=st.integers(0, 9),
        fixed=st.sampled_from([None, "10.0.0.4", "10.0.0.9", "x"]),
        twice=st.booleans(),
    )
    def is_asked_for_addresses(self, instance: int, port: int, fixed: str | None, twice: bool) -> None:
        ports = [PORT_IDS[port], PORT_IDS[(port + 1) % 10]]
        wanted = [Wanted(ports[0], f"i-{instance}", fixed), Wanted(ports[1], f"i-{instance}", fixed if twice else None)]
        before = {port_id: dict(held) for port_id, held in self.network.ports.items()}
        try:
            refused = allocate(self.network, wanted, at=AT)
        except DomainError:
            assert self.network.is_deleted
            return
        for each in wanted:
            held = self.network.ports.get(each.port_id)
            assert (each.port_id in refused) is not (held is not None and held["instance_id"] == each.instance_id)
            if each.port_id in refused and held is not None:
                assert held == before[each.port_id]  # nobody's port is taken from him

    @rule(port=st.integers(0, 9), fixed=st.sampled_from([None, "10.0.0.5", "10.0.0.1", "10.0.0.7"]))
    def gets_a_port_of_a_user(self, port: int, fixed: str | None) -> None:
        if PORT_IDS[port] in self.network.ports:
            return
        if self.attempt(create_port, PORT_IDS[port], project_id="p", security_groups=[], fixed=fixed):
            self.kept.add(PORT_IDS[port])

    @rule(port=st.integers(0, 9), device=st.sampled_from(["", "elsewhere"]))
    def has_a_port_changed(self, port: int, device: str) -> None:
        self.attempt(change_port, PORT_IDS[port], {"name": "x", "device_id": device})

    @rule(port=st.integers(0, 9))
    def has_a_port_deleted(self, port: int) -> None:
        held = self.network.ports.get(PORT_IDS[port])
        done = self.attempt(delete_port, PORT_IDS[port])
        assert done is (held is not None and held["instance_id"] is None)
        if done:
            self.kept.discard(PORT_IDS[port])

    @rule(instance=st.integers(0, 4))
    def is_given_back(self, instance: int) -> None:
        release_addresses(self.network, [f"i-{instance}"], at=AT)
        assert all(held["instance_id"] != f"i-{instance}" for held in self.network.ports.values())

    @invariant()
    def no_address_is_given_twice_and_none_that_is_not_ours(self) -> None:
        given = [held["address"] for held in self.network.ports.values() if held["address"] is not None]
        assert len(given) == len(set(given)) == len(self.network.taken)
        assert set(given) <= {f"10.0.0.{number}" for number in range(1, 7)} - {self.network.gateway}
        assert not (given and self.network.cidr is None)

    @invariant()
    def no_two_ports_have_one_hardware_address(self) -> None:
        macs = [held["mac"] for held in self.network.ports.values()]
        assert len(macs) == len(set(macs)) == len(self.network.macs)

    @invariant()
    def what_a_user_made_stays_until_a_user_deletes_it(self) -> None:
        assert self.kept <= self.network.ports.keys()

    @invariant()
    def no_address_that_is_free_is_overlooked(self) -> None:
        pools = [(int(IPv4Address(pool["start"])), int(IPv4Address(pool["end"]))) for pool in self.network.pools]
        all_of_them = {str(IPv4Address(number)) for start, end in pools for number in range(start, end + 1)}
        assert set(self.network.free_addresses()) == all_of_them - self.network.taken

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.network)) == state_of(self.network)


class ImageHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.image = create_image(NETWORK_ID, project_id="p", at=AT)
        self.events_when_deleted: int | None = None
        self.bytes: tuple[str, int] | None = None

    def attempt(self, change: Any, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(DomainError):
            change(self.image, *args, at=AT, **kwargs)
        if self.image.is_deleted and self.events_when_deleted is None:
            self.events_when_deleted = len(self.image.pending_events)

    @rule(size=st.integers(1, 9))
    def is_uploaded(self, size: int) -> None:
        waits = self.image.status is ImageStatus.QUEUED
        self.attempt(uploaded, size=size, virtual_size=size, checksum="c", checksum_md5="m")
        if waits:
            self.bytes = (self.image.disk_format, size)

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from([None, "a", "b"]),
                "disk_format": st.sampled_from(["raw", "qcow2", "vmdk"]),
                "visibility": st.sampled_from(["shared", "private"]),
                "protected": st.booleans(),
                "properties": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
                "checksum": st.just("forged"),
            },
        )
    )
    def is_changed(self, changes: dict[str, Any]) -> None:
        self.attempt(change_image, changes)

    @rule(member=st.sampled_from("qr"), change=st.sampled_from([share_with, stop_sharing]))
    def is_shared_or_not(self, member: str, change: Any) -> None:
        self.attempt(change, member)

    @rule(member=st.sampled_from("qr"), status=st.sampled_from(MemberStatus))
    def is_answered(self, member: str, status: MemberStatus) -> None:
        self.attempt(answer_sharing, member, status)

    @rule(change=st.sampled_from([deactivate, reactivate, delete_image]))
    def changes_state(self, change: Any) -> None:
        self.attempt(change)

    @rule(tag=st.sampled_from("xyz"), change=st.sampled_from([tag_image, untag_image]))
    def is_tagged(self, tag: str, change: Any) -> None:
        self.attempt(change, tag)

    @invariant()
    def its_bytes_are_for_ever_what_they_were(self) -> None:
        assert self.image.checksum in (None, "c")
        if self.bytes is not None:
            assert (self.image.disk_format, self.image.size) == self.bytes

    @invariant()
    def a_deleted_image_takes_no_more(self) -> None:
        if self.events_when_deleted is not None:
            assert len(self.image.pending_events) == self.events_when_deleted

    @invariant()
    def tags_are_a_set(self) -> None:
        assert len(self.image.tags) == len(set(self.image.tags))

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.image)) == state_of(self.image)


class SecurityGroupHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.group = create_default_group("p", at=AT)

    @rule(number=st.integers(0, 5), port=st.sampled_from([None, 22, 80]))
    def is_to_allow_more(self, number: int, port: int | None) -> None:
        allowed = {each.allows for each in self.group.rules.values()}
        new = Rule(f"r-{number}-{port}", "ingress", "IPv4", protocol="tcp", port_min=port, port_max=port)
        with contextlib.suppress(DomainError):
            add_rule(self.group, new, at=AT)
            assert new.allows not in allowed

    @rule(index=st.integers(0, 5))
    def is_to_allow_less(self, index: int) -> None:
        with contextlib.suppress(DomainError):
            remove_rule(self.group, [*self.group.rules, "none"][min(index, len(self.group.rules))], at=AT)

    @rule(change=st.sampled_from([delete_group, restore_default_group]))
    def goes_or_comes_back(self, change: Any) -> None:
        change(self.group, at=AT)

    @rule(changes=st.sampled_from([{"name": "x"}, {"description": "d"}, {"tags": ["t"]}, {"rules": {}}]))
    def is_changed(self, changes: dict[str, Any]) -> None:
        with contextlib.suppress(DomainError):
            change_group(self.group, changes, at=AT)

    @invariant()
    def no_two_rules_allow_the_same(self) -> None:
        allowed = [each.allows for each in self.group.rules.values()]
        assert len(allowed) == len(set(allowed))

    @invariant()
    def a_default_group_keeps_its_name(self) -> None:
        assert self.group.name == "default"

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.group)) == state_of(self.group)


class ProjectHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.project = create_project("p", name="p", at=AT)
        self.defaults = {"instances": 3, "cores": 6, "ram": 900}

    @rule(
        requests=st.lists(
            st.tuples(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), st.integers(0, 2)), max_size=3
        ),
        cores=st.integers(0, 4),
    )
    def is_asked_for_more(self, requests: list[tuple[list[int], int]], cores: int) -> None:
        amounts = {"instances": 1, "cores": cores, "ram": 100 * cores}
        asks = [
            Ask({f"i-{number}": amounts for number in numbers}, least=min(least, len(numbers)))
            for numbers, least in requests
        ]
        before = dict(self.project.usage)
        outcomes = reserve(self.project, asks, defaults=self.defaults, at=AT)
        for ask, outcome in zip(asks, outcomes, strict=True):
            if isinstance(outcome, QuotaExceeded):
                continue
            assert ask.enough <= len(outcome)
            assert tuple(ask.wanted)[: len(outcome)] == outcome
            assert all(self.project.reservations[holder] == amounts for holder in outcome)
        limits = limits_of(self.project.limits, self.defaults)
        for resource, taken in self.project.usage.items():
            assert limits[resource] == -1 or taken <= max(limits[resource], before.get(resource, 0))

    @rule(number=st.integers(0, 9))
    def is_released(self, number: int) -> None:
        release_usage(self.project, [f"i-{number}", "unknown"], at=AT)
        assert f"i-{number}" not in self.project.reservations

    @rule(number=st.integers(0, 9))
    def is_only_counted(self, number: int) -> None:
        note_usage(self.project, {f"i-{number}": {"instances": 1, "cores": 1, "ram": 100}}, at=AT)
        assert f"i-{number}" in self.project.reservations

    @rule(instances=st.integers(-1, 5), cores=st.integers(-1, 9), force=st.booleans())
    def is_given_limits(self, instances: int, cores: int, force: bool) -> None:
        with contextlib.suppress(Invalid):
            change_quota(self.project, {"instances": instances, "cores": cores}, force=force, at=AT)

    @rule()
    def is_reset(self) -> None:
        reset_quota(self.project, at=AT)
        assert self.project.limits == {}

    @invariant()
    def usage_is_the_sum_of_all_reservations(self) -> None:
        for resource, taken in self.project.usage.items():
            assert taken == sum(held.get(resource, 0) for held in self.project.reservations.values())

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.project)) == state_of(self.project)


TestInstanceHistories = InstanceHistories.TestCase
TestHostHistories = HostHistories.TestCase
TestNetworkHistories = NetworkHistories.TestCase
TestImageHistories = ImageHistories.TestCase
TestSecurityGroupHistories = SecurityGroupHistories.TestCase
TestProjectHistories = ProjectHistories.TestCase
for case in (
    TestProjectHistories,
    TestInstanceHistories,
    TestHostHistories,
    TestNetworkHistories,
    TestImageHistories,
    TestSecurityGroupHistories,
):
    case.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
