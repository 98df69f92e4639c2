"""What every hypervisor promises to the agent: the same tests run against real guests and simulated ones."""

from dataclasses import replace

import pytest

from domain.instance.state import PowerState, StopReason
from services.compute.hypervisor import Actual, HypervisorError, Progress
from services.compute.libvirt.images import inspect_image
from tests.integration.hypervisor.rigs import Rig
from tests.integration.hypervisor.waiting import eventually

STAGES = ["disk", "config-drive", "network", "define", "start"]


class KilledError(BaseException):
    """What happens to an agent in the middle of a build."""


def quiet(_stage: str) -> None:
    """Progress that nobody follows."""


def killed_at(fatal: str) -> Progress:
    def progress(stage: str) -> None:
        if stage == fatal:
            raise KilledError

    return progress


async def stopped(rig: Rig, instance_id: str) -> Actual:
    async def look() -> Actual | None:
        seen = await rig.hypervisor.inspect(instance_id)
        return seen if seen is not None and seen.power is PowerState.SHUTDOWN else None

    return await eventually(look)


async def test_a_guest_is_built_shut_down_started_and_rebooted(rig: Rig) -> None:
    spec, stages = rig.spec(), list[str]()

    await rig.hypervisor.build(spec, rig.image, stages.append)

    assert stages == [stage for stage in STAGES if stage in stages]
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    assert Actual(spec.id, PowerState.RUNNING) in await rig.hypervisor.actual()
    await rig.booted(spec.id)

    await rig.hypervisor.shut_down(spec.id, 30)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.REQUESTED)

    await rig.hypervisor.start(spec.id)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.booted(spec.id, times=2)

    await rig.hypervisor.reboot(spec.id, hard=False, grace=30)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    assert not {reason for _, reason in rig.changes} & {StopReason.GUEST, StopReason.CRASHED, StopReason.HOST}


async def test_a_guest_that_is_still_booting_is_rebooted_hard_and_started_when_it_is_off(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    await rig.hypervisor.reboot(spec.id, hard=True, grace=30)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.hypervisor.shut_down(spec.id, 0)
    await rig.hypervisor.reboot(spec.id, hard=False, grace=30)

    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)


async def test_a_guest_is_paused_and_goes_on(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    for _ in range(2):  # what is so already is left so
        await rig.hypervisor.pause(spec.id)
        assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.PAUSED)
    for _ in range(2):
        await rig.hypervisor.unpause(spec.id)
        assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)

    assert not {reason for _, reason in rig.changes} & {StopReason.GUEST, StopReason.CRASHED, StopReason.HOST}


async def test_a_suspended_guest_goes_on_without_booting_again_and_boots_after_a_hard_reboot(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)
    await rig.booted(spec.id)

    for _ in range(2):
        await rig.hypervisor.suspend(spec.id)
        assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.SUSPENDED)
    await rig.reopen()
    for _ in range(2):
        await rig.hypervisor.resume(spec.id)
        assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.hypervisor.suspend(spec.id)
    await rig.hypervisor.reboot(spec.id, hard=True, grace=30)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.booted(spec.id, times=2)
    await rig.hypervisor.suspend(spec.id)
    await rig.hypervisor.shut_down(spec.id, 30)
    assert (await stopped(rig, spec.id)).power is PowerState.SHUTDOWN
    assert not {reason for _, reason in rig.changes} & {StopReason.GUEST, StopReason.CRASHED, StopReason.HOST}


async def test_a_guest_is_interrupted(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    await rig.hypervisor.trigger_crash_dump(spec.id)


async def test_the_disk_of_a_guest_that_is_off_is_copied(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)
    await rig.hypervisor.shut_down(spec.id, 0)

    copy = await rig.hypervisor.export_disk(spec.id, "qcow2")

    assert inspect_image(copy, "qcow2").virtual_size == 1 << 30
    await rig.hypervisor.destroy(spec.id)
    assert not copy.exists()


async def test_what_is_so_already_is_left_so(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    await rig.hypervisor.start(spec.id)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.hypervisor.shut_down(spec.id, 0)
    await rig.hypervisor.shut_down(spec.id, 30)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.REQUESTED)
    await rig.hypervisor.destroy(spec.id)
    await rig.hypervisor.destroy(spec.id)

    assert await rig.hypervisor.inspect(spec.id) is None


async def test_a_guest_that_powers_itself_off_is_noticed_and_says_so(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)
    await rig.booted(spec.id)

    await rig.power_off_inside(spec.id)

    assert await stopped(rig, spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.GUEST)

    async def noticed() -> bool:
        return (spec.id, StopReason.GUEST) in rig.changes

    await eventually(noticed)


async def test_a_guest_whose_process_dies_is_noticed_and_can_be_started_again(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    await rig.crash(spec.id)

    assert await stopped(rig, spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.CRASHED)

    async def noticed() -> bool:
        return (spec.id, StopReason.CRASHED) in rig.changes

    await eventually(noticed)
    await rig.hypervisor.start(spec.id)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)


async def test_nothing_is_left_of_a_destroyed_guest(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)
    assert rig.traces(spec.id)

    await rig.hypervisor.destroy(spec.id)

    assert await rig.hypervisor.inspect(spec.id) is None
    assert spec.id not in {guest.instance_id for guest in await rig.hypervisor.actual()}
    assert rig.traces(spec.id) == []
    assert await rig.hypervisor.console_output(spec.id, None) == ""


@pytest.mark.parametrize("stage", ["define", "start"])
async def test_a_build_that_was_cut_short_is_no_guest_and_is_made_anew(rig: Rig, stage: str) -> None:
    spec = rig.spec()
    with pytest.raises(KilledError):
        await rig.hypervisor.build(spec, rig.image, killed_at(stage))
    await rig.reopen()

    assert await rig.hypervisor.inspect(spec.id) is None
    await rig.hypervisor.build(spec, rig.image, quiet)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)

    await rig.hypervisor.build(spec, rig.image, quiet)
    assert [guest for guest in await rig.hypervisor.actual() if guest.instance_id == spec.id] == [
        Actual(spec.id, PowerState.RUNNING)
    ]


async def test_a_build_that_was_cut_short_can_be_removed(rig: Rig) -> None:
    spec = rig.spec()
    with pytest.raises(KilledError):
        await rig.hypervisor.build(spec, rig.image, killed_at("start"))

    await rig.hypervisor.destroy(spec.id)

    assert rig.traces(spec.id) == []


async def test_a_build_that_fails_says_why_and_leaves_nothing(rig: Rig) -> None:
    spec = rig.spec()
    image = await rig.next_build_fails()

    with pytest.raises(HypervisorError, match=r"^[A-Z].*\.$"):
        await rig.hypervisor.build(spec, image, quiet)

    assert await rig.hypervisor.inspect(spec.id) is None
    assert rig.traces(spec.id) == []
    await rig.hypervisor.build(spec, rig.image, quiet)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)


async def test_guests_outlive_the_agent_and_are_known_to_its_successor(rig: Rig) -> None:
    spec = rig.spec()
    await rig.hypervisor.build(spec, rig.image, quiet)

    await rig.reopen()
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.crash(spec.id)
    await stopped(rig, spec.id)
    await rig.reopen()

    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.CRASHED)


async def test_what_is_asked_of_a_guest_that_is_not_there_is_refused(rig: Rig) -> None:
    missing = rig.spec().id

    for asked in (
        rig.hypervisor.start(missing),
        rig.hypervisor.shut_down(missing, 1),
        rig.hypervisor.reboot(missing, hard=True, grace=1),
        rig.hypervisor.pause(missing),
        rig.hypervisor.unpause(missing),
        rig.hypervisor.suspend(missing),
        rig.hypervisor.resume(missing),
        rig.hypervisor.trigger_crash_dump(missing),
        rig.hypervisor.export_disk(missing, "qcow2"),
    ):
        with pytest.raises(HypervisorError, match="no guest"):
            await asked


async def test_a_running_guest_has_figures_of_all_that_it_was_given(rig: Rig) -> None:
    spec = rig.spec()
    with pytest.raises(HypervisorError, match="no guest"):
        await rig.hypervisor.diagnostics(spec)
    await rig.hypervisor.build(spec, rig.image, quiet)
    await rig.booted(spec.id)

    figures = await rig.hypervisor.diagnostics(spec)

    assert figures.memory_maximum == spec.memory_mib
    assert len(figures.cpus) == spec.vcpus
    assert [nic.mac for nic in figures.nics] == [nic.mac for nic in spec.nics]
    assert figures.disks[0].device == "vda"


async def test_the_host_says_what_it_has(rig: Rig) -> None:
    inventory = await rig.hypervisor.inventory()

    assert min(inventory.vcpus, inventory.memory_mib, inventory.disk_gib, inventory.hypervisor_version) > 0
    assert inventory.hypervisor_type in {"QEMU", "KVM", "simulated"}
    assert inventory.cpu_arch == "x86_64"
    assert inventory.cpu_model


async def test_cards_are_plugged_and_unplugged_whether_the_guest_runs_or_not(rig: Rig) -> None:
    spec = rig.spec()
    one, two = replace(spec, nics=spec.nics[:1]), replace(spec, nics=(*spec.nics[:1], rig.another_nic()))
    await rig.hypervisor.build(one, rig.image, quiet)
    await rig.booted(one.id)

    async def cards() -> frozenset[str] | None:
        seen = await rig.hypervisor.inspect(one.id)
        return None if seen is None else seen.cards

    for _ in range(2):  # what is so already is left so
        await rig.hypervisor.plug(two)
        assert await cards() == {nic.mac for nic in two.nics}
    await rig.hypervisor.shut_down(one.id, 0)
    assert await cards() == {nic.mac for nic in two.nics}
    for _ in range(2):
        await rig.hypervisor.plug(one)
        assert await cards() == {nic.mac for nic in one.nics}
    await rig.hypervisor.plug(two)
    await rig.hypervisor.start(one.id)
    assert await cards() == {nic.mac for nic in two.nics}

    await rig.hypervisor.destroy(one.id)
    assert rig.traces(one.id) == []
