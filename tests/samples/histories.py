"""Lives of aggregates, as the domain's own decisions make them: between them they bring about every event there is.

A history is recorded once, by `python -m tests.samples.freeze`, and then stays as it was recorded. So nothing here needs to stay as
it is: when an event gets another version or a new one comes up, a history that has it is added under a new name.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import servergroup
from domain.aggregate import Aggregate
from domain.flavor import Flavor, create_flavor, delete_flavor, replace_flavor
from domain.flavor_changes import change_extra_specs, describe_flavor, grant_access, revoke_access, set_rxtx_factor
from domain.host.claims import claim, release
from domain.host.host import Host, change_inventory, register
from domain.host.service import came_up, disable, enable, force_down, went_down
from domain.hostaggregate import (
    HostAggregate,
    add_host,
    change_metadata,
    create_host_aggregate,
    delete_host_aggregate,
    remove_host,
    rename,
)
from domain.identity.credential import Credential, create_credential, delete_credential
from domain.identity.name import Name, release_name, take_again, take_name
from domain.identity.project import Project, change_project, create_project, delete_project
from domain.identity.role import grant, revoke
from domain.identity.token import Token, revoke_token
from domain.identity.user import User, change_user, create_user, delete_user, password_changed
from domain.image.availability import deactivate, reactivate
from domain.image.change import change_image
from domain.image.image import Image, create_image, delete_image
from domain.image.sharing import MemberStatus, answer_sharing, share_with, stop_sharing
from domain.image.upload import uploaded
from domain.instance.crash_dump import trigger_crash_dump
from domain.instance.deletion import delete, finish_unplaced_deletion
from domain.instance.details import change_details
from domain.instance.evacuation import evacuate
from domain.instance.instance import Instance
from domain.instance.interfaces import attach_interface, detach_interface
from domain.instance.live_migration import live_migrate
from domain.instance.lock import lock, unlock
from domain.instance.metadata import delete_metadata, update_metadata
from domain.instance.move import destination_chosen, no_destination
from domain.instance.observation import Observation, observe
from domain.instance.password import change_password
from domain.instance.pause import pause, unpause
from domain.instance.power import reboot, start, stop
from domain.instance.rebuild import rebuild
from domain.instance.request import request
from domain.instance.rescue import rescue, unrescue
from domain.instance.reset import reset_state
from domain.instance.resize import confirm_resize, migrate, resize, revert_resize
from domain.instance.scheduling import scheduled, scheduling_failed
from domain.instance.shelve import shelve, unshelve
from domain.instance.snapshot import snapshot
from domain.instance.state import PowerState, StopReason, VmState
from domain.instance.suspend import resume, suspend
from domain.instance.tags import add_tag, remove_tag
from domain.keypair import KeyPair, delete_key, import_again, import_key
from domain.network.addresses import Wanted, allocate, release_addresses
from domain.network.network import Network, change_network, create_empty_network, create_network, delete_network
from domain.network.nic import nic_of, port_id
from domain.network.port import change_port, create_port, delete_port
from domain.network.subnet import change_subnet, create_subnet, delete_subnet
from domain.placement.affinity import Policy
from domain.placement.choose import choose
from domain.placement.hosts import HostView
from domain.project.quota import QuotaClass, change_quota, change_quota_class, create_quota_class, reset_quota
from domain.project.usage import Ask, note_usage, release_usage, reserve
from domain.resources import Resources
from domain.security_group.group import (
    SecurityGroup,
    change_group,
    create_default_group,
    create_group,
    delete_group,
    restore_default_group,
)
from domain.security_group.rule import Rule, outgoing
from domain.security_group.rules import add_rule, remove_rule

PROJECT, USER = "5a2c6f0d3b7e4c1f9d8e7a6b5c4d3e2f", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
FLAVOR_ID, IMAGE_ID = "2", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
NETWORK_ID, SUBNET_ID = "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b", "3f333df6-90a4-4fda-8dd3-9485d27cee36"
FIRST, SECOND = "7a2d1f0e-5b1c-4c7e-9d3a-000000000001", "7a2d1f0e-5b1c-4c7e-9d3a-000000000002"
OTHER_PROJECT = "6b3d7a1e4c8f5d2a0e9f8b7c6d5e4f30"
PORT_ID, GROUP_ID = "c1a7f3d2-6e5b-4a8c-9d0e-1f2a3b4c5d6e", "d2b8a4e3-7f6c-4b9d-8e1f-2a3b4c5d6e7f"
RULE_IDS = [f"e3c9b5f4-8a7d-4c0e-9f2a-00000000000{number}" for number in range(3)]
SNAPSHOT_ID = "0b0d4b52-6d8e-4d62-a0d5-4d6f0b1d5a4e"
SERVER_GROUP_ID, AGGREGATE_ID = "b2d6c3c5-4f6e-4c3b-8d2a-0a1b2c3d4e5f", "0c9d8e7f-6a5b-4c3d-9e1f-2a3b4c5d6e7f"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVzZWQgYnkgbm9ib2R5IGZvciBhbnl0aGluZyE= nobody"
FINGERPRINT = "d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e"


class Clock:
    """A moment later at every look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1, microseconds=234_567)
        return self._now


def inventory(**other: Any) -> dict[str, Any]:
    return {
        "vcpus": 4,
        "memory_mib": 8192,
        "disk_gib": 100,
        "hypervisor_type": "KVM",
        "hypervisor_version": 7002000,
        "cpu_arch": "x86_64",
        "cpu_model": "Skylake-Client-IBRS",
        "allocation_ratios": {"vcpus": 4.0, "memory_mib": 1.0, "disk_gib": 1.0},
        "reserved": {"vcpus": 0, "memory_mib": 512, "disk_gib": 0},
        **other,
    }


def flavor() -> Flavor:
    at = Clock()
    small = create_flavor(FLAVOR_ID, name="small", vcpus=1, ram=512, disk=5, extra_specs={"hw:rng": "true"}, at=at())
    delete_flavor(small, at=at())
    return small


def flavor_that_changes() -> Flavor:
    at = Clock()
    small = create_flavor("m1.small", name="small", vcpus=1, ram=512, disk=5, is_public=False, at=at())
    set_rxtx_factor(small, 2.5, at=at())
    describe_flavor(small, "For small things", at=at())
    change_extra_specs(small, {"hw:cpu_policy": "shared", "hw_rng:allowed": "true"}, at=at())
    change_extra_specs(small, {"hw:cpu_policy": "dedicated"}, removed=["hw_rng:allowed"], at=at())
    grant_access(small, PROJECT, at=at())
    grant_access(small, "another", at=at())
    revoke_access(small, PROJECT, at=at())
    delete_flavor(small, at=at())
    replace_flavor(small, create_flavor("m1.small", name="Small", vcpus=2, ram=1024, disk=5, at=at()), at=at())
    return small


def project() -> Project:
    return create_project(PROJECT, name="demo", description="Where things are tried", at=Clock()())


def project_with_quota() -> Project:
    at = Clock()
    demo = create_project(PROJECT, name="demo", at=at())
    change_quota(demo, {"instances": 2, "cores": -1}, at=at())
    amounts = {"instances": 1, "cores": 2, "ram": 2048}
    reserve(demo, [Ask({FIRST: amounts}), Ask({SECOND: amounts})], defaults={}, at=at())
    release_usage(demo, [FIRST], at=at())
    reset_quota(demo, at=at())
    note_usage(demo, {FIRST: amounts}, at=at())
    return demo


def quota_class() -> QuotaClass:
    at = Clock()
    default = create_quota_class("default", {"instances": 20}, at=at())
    change_quota_class(default, {"instances": 30, "cores": 60}, at=at())
    return default


def user() -> User:
    at = Clock()
    demo = create_user(USER, name="demo", at=at())
    grant(demo, project_id=PROJECT, role="member", at=at())
    grant(demo, project_id=PROJECT, role="reader", at=at())
    return demo


def project_life() -> Project:
    at = Clock()
    trial = create_project(PROJECT, name="trial", at=at())
    change_project(trial, name="demo", description="Where things are tried", at=at())
    change_project(trial, enabled=False, at=at())
    change_project(trial, enabled=True, at=at())
    delete_project(trial, at=at())
    return trial


def user_life() -> User:
    at = Clock()
    ann = create_user(USER, name="ann", email="ann@example.org", default_project_id=PROJECT, at=at())
    grant(ann, project_id=PROJECT, role="member", at=at())
    grant(ann, project_id=PROJECT, role="reader", at=at())
    password_changed(ann, at=at())
    change_user(ann, {"name": "anne", "description": "Tries things"}, at=at())
    change_user(ann, {}, enabled=False, at=at())
    change_user(ann, {}, enabled=True, at=at())
    revoke(ann, project_id=PROJECT, role="member", at=at())
    delete_user(ann, at=at())
    return ann


def name() -> Name:
    at = Clock()
    demo = take_name("project", "demo", holder=PROJECT, at=at())
    release_name(demo, holder=PROJECT, at=at())
    take_again(demo, holder=USER, at=at())
    return demo


def credential() -> Credential:
    at = Clock()
    backup = create_credential(
        "9c1e0a3b2d4f45668778695a4b3c2d1e",
        user_id=USER,
        project_id=PROJECT,
        name="backup",
        description="Makes backups at night",
        roles=["member", "reader"],
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        unrestricted=False,
        at=at(),
    )
    delete_credential(backup, at=at())
    return backup


def token() -> Token:
    at = Clock()
    return revoke_token(
        "4c2b1a09-8d7e-4f6a-b5c4-d3e2f1a09b8c",
        user_id=USER,
        expires_at=datetime(2026, 3, 1, 20, 30, tzinfo=UTC),
        at=at(),
    )


def image() -> Image:
    at = Clock()
    tiny = create_image(
        IMAGE_ID, project_id=PROJECT, name="tiny", min_ram=96, properties={"os_distro": "tiny"}, tags=["test"], at=at()
    )
    uploaded(tiny, size=9_437_184, virtual_size=67_108_864, checksum="c0" * 64, checksum_md5="c0" * 16, at=at())
    delete_image(tiny, at=at())
    return tiny


def image_that_is_shared() -> Image:
    at = Clock()
    base = create_image(IMAGE_ID, project_id=PROJECT, name="base", disk_format="raw", at=at())
    change_image(base, {"name": "base-1", "properties": {"os_distro": "debian"}, "hidden": True}, at=at())
    uploaded(base, size=67_108_864, virtual_size=67_108_864, checksum="a1" * 64, checksum_md5="a1" * 16, at=at())
    share_with(base, OTHER_PROJECT, at=at())
    answer_sharing(base, OTHER_PROJECT, MemberStatus.ACCEPTED, at=at())
    deactivate(base, at=at())
    reactivate(base, at=at())
    stop_sharing(base, OTHER_PROJECT, at=at())
    return base


def keypair() -> KeyPair:
    at = Clock()
    pair = import_key(user_id=USER, name="laptop", public_key=KEY, fingerprint=FINGERPRINT, at=at())
    delete_key(pair, at=at())
    import_again(pair, public_key=KEY.replace("nobody", "again"), fingerprint=FINGERPRINT, at=at())
    return pair


def network_in_use(at: Clock) -> Network:
    private = create_network(
        NETWORK_ID, project_id=PROJECT, name="private", cidr="10.80.7.0/24", subnet_id=SUBNET_ID, shared=True, at=at()
    )
    allocate(private, [Wanted(port_id(FIRST, 0), FIRST), Wanted(port_id(SECOND, 0), SECOND, "10.80.7.9")], at=at())
    return private


def network() -> Network:
    at = Clock()
    private = network_in_use(at)
    release_addresses(private, [FIRST, SECOND], at=at())
    delete_network(private, at=at())
    return private


def network_of_a_user() -> Network:
    at = Clock()
    backend = create_empty_network(NETWORK_ID, project_id=PROJECT, name="backend", mtu=1450, at=at())
    change_network(backend, {"name": "back", "tags": ["blue"]}, at=at())
    pools = [{"start": "192.0.2.16", "end": "192.0.2.31"}]
    create_subnet(backend, SUBNET_ID, cidr="192.0.2.0/24", name="back-v4", pools=pools, dns=["192.0.2.1"], at=at())
    change_subnet(backend, {"dns": ["192.0.2.2"], "description": "For databases"}, at=at())
    create_port(backend, PORT_ID, project_id=PROJECT, name="db", security_groups=[GROUP_ID], at=at())
    change_port(backend, PORT_ID, {"name": "db-1"}, at=at())
    allocate(backend, [Wanted(PORT_ID, FIRST, kept=True)], at=at())
    release_addresses(backend, [FIRST], at=at())
    delete_port(backend, PORT_ID, at=at())
    delete_subnet(backend, at=at())
    return backend


def security_group() -> SecurityGroup:
    at = Clock()
    web = create_group(GROUP_ID, project_id=PROJECT, name="web", rules=outgoing(RULE_IDS[:2]), at=at())
    change_group(web, {"name": "web-1", "description": "Speaks HTTP"}, at=at())
    rule = Rule(RULE_IDS[2], "ingress", "IPv4", protocol="tcp", port_min=80, port_max=80)
    add_rule(web, rule, at=at())
    remove_rule(web, RULE_IDS[2], at=at())
    delete_group(web, at=at())
    return web


def default_security_group() -> SecurityGroup:
    at = Clock()
    group = create_default_group(PROJECT, at=at())
    delete_group(group, at=at())
    restore_default_group(group, at=at())
    return group


def host() -> Host:
    at = Clock()
    first = register("host-1", inventory(), at=at())
    claim(first, {FIRST: Resources(1, 512, 5), SECOND: Resources(2, 2048, 10)}, at=at())
    went_down(first, at=at())
    came_up(first, at=at())
    disable(first, reason="a fan is broken", at=at())
    enable(first, at=at())
    change_inventory(first, inventory(memory_mib=16384), at=at())
    release(first, [FIRST], at=at())
    return first


def asked_for(at: datetime, instance_id: str = FIRST, **other: Any) -> Instance:
    parts: dict[str, Any] = {
        "project_id": PROJECT,
        "user_id": USER,
        "name": "web",
        "hostname": "web",
        "flavor": create_flavor(FLAVOR_ID, name="small", vcpus=1, ram=512, disk=5, at=at).document(),
        "image": {"id": IMAGE_ID, "name": "tiny", "size": 9_437_184, "checksum": "c0" * 64, "disk_format": "qcow2"},
        "networks": [{"network_id": NETWORK_ID}],
        "reservation_id": "r-3k9x0a7q",
        **other,
    }
    return request(instance_id, at=at, **parts)


def place(instance: Instance, at: Clock) -> None:
    choice = choose([HostView.of(register("host-1", inventory(), at=at()))], instance.resources)
    nic = nic_of(network_in_use(at), port_id(FIRST, 0))
    scheduled(instance, host="host-1", nics=[nic], explanation={**choice.explanation, "seconds": 0.004211}, at=at())


def report(instance: Instance, at: Clock, power: PowerState, *, exists: bool = True, **other: Any) -> None:
    observe(instance, Observation(instance.id, instance.generation, exists=exists, power=power, **other), at=at())


def instance_life() -> Instance:
    at = Clock()
    web = asked_for(at(), key={"name": "laptop", "public_key": KEY}, metadata={"role": "web"}, description="The first")
    place(web, at)
    report(web, at, PowerState.NOSTATE, exists=False, settled=False)
    report(web, at, PowerState.RUNNING, stages={"image": 0.8125, "define": 0.25, "start": 1.5})
    stop(web, at=at())
    report(web, at, PowerState.SHUTDOWN)
    start(web, at=at())
    report(web, at, PowerState.RUNNING)
    reboot(web, hard=False, at=at())
    report(web, at, PowerState.RUNNING)
    report(web, at, PowerState.SHUTDOWN, stop_reason=StopReason.GUEST)
    reboot(web, hard=True, at=at())
    report(web, at, PowerState.RUNNING, error="The domain could not be reset.")
    report(web, at, PowerState.NOSTATE, exists=False)
    delete(web, at=at())
    report(web, at, PowerState.NOSTATE, exists=False)
    return web


def instance_that_fits_nowhere() -> Instance:
    at = Clock()
    huge = asked_for(at(), SECOND, name="huge", hostname="huge", user_data_sha256="e3" * 32, launch_index=1)
    choice = choose([HostView.of(register("host-1", inventory(vcpus=0), at=at()))], huge.resources)
    scheduling_failed(huge, reason=choice.reason, explanation=choice.explanation, at=at())
    delete(huge, at=at())
    finish_unplaced_deletion(huge, at=at())
    return huge


def instance_that_cannot_be_built() -> Instance:
    at = Clock()
    broken = asked_for(at(), config_drive=False)
    place(broken, at)
    report(broken, at, PowerState.NOSTATE, exists=False, settled=False)
    report(
        broken, at, PowerState.NOSTATE, exists=False, error="The image could not be downloaded: its checksum differs."
    )
    return broken


def instance_that_is_acted_on() -> Instance:
    at = Clock()
    web = asked_for(at(), key={"name": "laptop", "public_key": KEY}, metadata={"role": "web"})
    place(web, at)
    report(web, at, PowerState.RUNNING)
    lock(web, by="owner", reason="Nobody touches this", at=at())
    unlock(web, at=at())
    pause(web, at=at())
    report(web, at, PowerState.PAUSED)
    unpause(web, at=at())
    report(web, at, PowerState.RUNNING)
    suspend(web, at=at())
    report(web, at, PowerState.SUSPENDED)
    resume(web, at=at())
    report(web, at, PowerState.RUNNING)
    change_password(web, at=at())
    report(web, at, PowerState.RUNNING)
    trigger_crash_dump(web, at=at())
    report(web, at, PowerState.RUNNING)
    snapshot(web, image_id=SNAPSHOT_ID, disk_format="qcow2", at=at())
    report(web, at, PowerState.RUNNING)
    snapshot(web, image_id=SNAPSHOT_ID, disk_format="qcow2", backup={"type": "daily", "keep": 2}, at=at())
    report(web, at, PowerState.RUNNING, error="This host makes images of guests that are off only.")
    rescue(web, image={**web.image, "id": SNAPSHOT_ID, "name": "rescue"}, at=at())
    report(web, at, PowerState.RUNNING, rescued=True)
    unrescue(web, at=at())
    report(web, at, PowerState.RUNNING)
    rebuild(web, changes={"name": "web-2", "image": {**web.image, "id": SNAPSHOT_ID}, "key": None}, at=at())
    report(web, at, PowerState.RUNNING, stages={"disk": 0.5})
    reset_state(web, state=VmState.ERROR, at=at())
    return web


def instance_that_moves() -> Instance:
    at = Clock()
    web = asked_for(at())
    place(web, at)
    report(web, at, PowerState.RUNNING)
    larger = create_flavor("3", name="medium", vcpus=2, ram=1024, disk=5, at=at()).document()
    for end in (confirm_resize, revert_resize):
        resize(web, flavor=larger, at=at())
        arrive(web, at, "host-2" if web.host == "host-1" else "host-1")
        end(web, at=at())
        leave(web, at)
        report(web, at, PowerState.RUNNING)
    migrate(web, host=None, at=at())
    no_destination(web, reason="No valid host was found.", explanation={"considered": 2}, at=at())
    live_migrate(web, host="host-3", at=at())
    destination_chosen(web, host="host-3", explanation={"considered": 1}, at=at())
    observe(web, Observation(web.id, web.generation, exists=True, power=PowerState.RUNNING), host="host-3", at=at())
    leave(web, at)
    evacuate(web, host=None, stopped=False, at=at())
    destination_chosen(web, host="host-1", explanation={"considered": 2}, at=at())
    report(web, at, PowerState.RUNNING)
    leave(web, at)
    return web


def arrive(instance: Instance, at: Clock, host: str) -> None:
    """A cold move as far as its new host."""
    destination_chosen(instance, host=host, explanation={"considered": 2, "seconds": 0.0021}, at=at())
    report(instance, at, PowerState.SHUTDOWN)
    report(instance, at, PowerState.RUNNING)


def leave(instance: Instance, at: Clock) -> None:
    """Hosts say that nothing is left on them."""
    for host in instance.leaving:
        gone = Observation(instance.id, instance.generation, exists=False, power=PowerState.NOSTATE)
        observe(instance, gone, host=host, at=at())


def instance_on_the_shelf() -> Instance:
    at = Clock()
    web = asked_for(at())
    place(web, at)
    report(web, at, PowerState.RUNNING)
    shelve(web, image_id=SNAPSHOT_ID, disk_format="qcow2", at=at())
    report(web, at, PowerState.SHUTDOWN)
    report(web, at, PowerState.NOSTATE, exists=False)
    unshelve(web, image={**web.image, "id": SNAPSHOT_ID, "name": "web-shelved"}, host=None, at=at())
    destination_chosen(web, host="host-2", explanation={"considered": 2}, at=at())
    report(web, at, PowerState.RUNNING)
    return web


def instance_that_is_told_where_to_live() -> Instance:
    at = Clock()
    return asked_for(at(), zone="east", host="host-1", hints={"group": SERVER_GROUP_ID, "different_host": [SECOND]})


def server_group() -> servergroup.ServerGroup:
    at = Clock()
    rules = {"max_server_per_host": 2}
    apart = servergroup.create_group(
        SERVER_GROUP_ID,
        project_id=PROJECT,
        user_id=USER,
        name="apart",
        policy=Policy.ANTI_AFFINITY,
        rules=rules,
        at=at(),
    )
    servergroup.join(apart, [FIRST, SECOND], most=10, at=at())
    servergroup.place_members(apart, {FIRST: "host-1", SECOND: "host-1"}, at=at())
    servergroup.place_members(apart, {FIRST: None}, at=at())
    servergroup.leave(apart, [FIRST], at=at())
    servergroup.delete_group(apart, at=at())
    return apart


def host_aggregate() -> HostAggregate:
    at = Clock()
    east = create_host_aggregate(AGGREGATE_ID, name="east", zone="east", at=at())
    add_host(east, "host-1", number=1, at=at())
    change_metadata(east, {"ssd": "true", "availability_zone": "west"}, at=at())
    change_metadata(east, {"ssd": None}, at=at())
    rename(east, "west", at=at())
    remove_host(east, "host-1", number=1, at=at())
    delete_host_aggregate(east, number=1, at=at())
    return east


def host_that_is_forced_down() -> Host:
    at = Clock()
    first = register("host-1", inventory(), at=at())
    force_down(first, forced=True, at=at())
    force_down(first, forced=False, at=at())
    return first


def instance_that_is_described() -> Instance:
    at = Clock()
    web = asked_for(
        at(),
        details={"access_ipv4": "192.0.2.7", "disk_config": "AUTO"},
        tags=["web", "blue"],
    )
    place(web, at)
    report(web, at, PowerState.RUNNING)
    change_details(web, name="web-1", hostname="web-1", description="The first", access_ipv6="2001:db8::7", at=at())
    update_metadata(web, {"role": "web"}, at=at())
    delete_metadata(web, "role", at=at())
    add_tag(web, "front", at=at())
    remove_tag(web, "blue", at=at())
    return web


def instance_whose_cards_change() -> Instance:
    at = Clock()
    web = asked_for(at())
    place(web, at)
    report(web, at, PowerState.RUNNING)
    other = network_in_use(at)
    allocate(other, [Wanted(port_id(FIRST, number), FIRST) for number in (1, 2)], at=at())
    attach_interface(web, nic_of(other, port_id(FIRST, 1)), at=at())
    report(web, at, PowerState.RUNNING)
    attach_interface(web, nic_of(other, port_id(FIRST, 2)), at=at())
    report(web, at, PowerState.RUNNING, error="The guest has no slot left for a card.")
    detach_interface(web, port_id(FIRST, 1), at=at())
    report(web, at, PowerState.RUNNING, error="The guest did not let go of the card.")
    detach_interface(web, port_id(FIRST, 1), at=at())
    report(web, at, PowerState.RUNNING)
    return web


HISTORIES: Mapping[str, Callable[[], Aggregate]] = {
    "flavor": flavor,
    "project": project,
    "user": user,
    "instance-that-is-told-where-to-live": instance_that_is_told_where_to_live,
    "server-group": server_group,
    "host-aggregate": host_aggregate,
    "host-that-is-forced-down": host_that_is_forced_down,
    "flavor-that-changes": flavor_that_changes,
    "project-with-quota": project_with_quota,
    "quota-class": quota_class,
    "project-life": project_life,
    "user-life": user_life,
    "name": name,
    "credential": credential,
    "token": token,
    "image": image,
    "image-that-is-shared": image_that_is_shared,
    "keypair": keypair,
    "network": network,
    "network-of-a-user": network_of_a_user,
    "security-group": security_group,
    "default-security-group": default_security_group,
    "host": host,
    "instance-life": instance_life,
    "instance-that-fits-nowhere": instance_that_fits_nowhere,
    "instance-that-cannot-be-built": instance_that_cannot_be_built,
    "instance-that-is-acted-on": instance_that_is_acted_on,
    "instance-that-moves": instance_that_moves,
    "instance-on-the-shelf": instance_on_the_shelf,
    "instance-that-is-described": instance_that_is_described,
    "instance-whose-cards-change": instance_whose_cards_change,
}
"""File name → the life that is recorded in it."""
