"""What only real guests can show: addresses, other people's domains, and a daemon that goes away."""

import asyncio
import hashlib
import os
import signal
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from uuid import uuid4

import libvirt
import pytest

from domain.instance.state import PowerState, StopReason
from services.compute.hypervisor import Actual, HypervisorError
from services.compute.libvirt.qemu_user import qemu_user
from tests.integration.hypervisor.ping import answers
from tests.integration.hypervisor.rigs import LibvirtRig, guest_spec, nic_on
from tests.integration.hypervisor.waiting import eventually, is_running

FOREIGN = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""


def quiet(_stage: str) -> None:
    """Progress that nobody follows."""


async def test_a_guest_has_the_address_that_was_chosen_also_when_another_had_it_just_before(
    libvirt_rig: LibvirtRig,
) -> None:
    first, neighbour = libvirt_rig.spec(host=20), libvirt_rig.spec(host=21)
    await libvirt_rig.hypervisor.build(first, libvirt_rig.image, quiet)
    await libvirt_rig.hypervisor.build(neighbour, libvirt_rig.image, quiet)
    await libvirt_rig.booted(first.id)
    assert await asyncio.to_thread(answers, first.nics[0].address)

    await libvirt_rig.hypervisor.destroy(first.id)

    async def forgotten() -> bool:
        return not libvirt_rig.traces(first.id)

    await eventually(forgotten, within=3)
    second = libvirt_rig.spec(host=20)
    await libvirt_rig.hypervisor.build(second, libvirt_rig.image, quiet)
    await libvirt_rig.booted(second.id)

    assert await asyncio.to_thread(answers, second.nics[0].address)
    assert await asyncio.to_thread(answers, neighbour.nics[0].address)


async def test_a_guest_runs_unprivileged_and_cannot_change_the_image_below_its_disk(libvirt_rig: LibvirtRig) -> None:
    before = hashlib.sha256(libvirt_rig.image.read_bytes()).hexdigest()
    spec = libvirt_rig.spec()

    await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)

    pid = libvirt_rig.qemu(spec.id)
    assert Path(f"/proc/{pid}").stat().st_uid == qemu_user().uid
    seen = libvirt_rig.image.stat()
    assert (seen.st_uid, seen.st_mode & 0o777) == (0, 0o444)
    assert hashlib.sha256(libvirt_rig.image.read_bytes()).hexdigest() == before
    assert not list(Path(f"/proc/{pid}/fd").glob("*kvm*"))


async def test_the_network_is_there_as_long_as_a_guest_is_in_it(libvirt_rig: LibvirtRig) -> None:
    one, other = libvirt_rig.spec(), libvirt_rig.spec()

    def bridges() -> list[str]:
        made = [path.name for path in libvirt_rig.keeper.layout.networks.iterdir()]
        return [name for name in made if (Path("/sys/class/net") / name).exists()]

    assert bridges() == []
    await asyncio.gather(
        libvirt_rig.hypervisor.build(one, libvirt_rig.image, quiet),
        libvirt_rig.hypervisor.build(other, libvirt_rig.image, quiet),
    )
    assert len(bridges()) == 1
    await libvirt_rig.hypervisor.shut_down(one.id, 0)
    await libvirt_rig.hypervisor.destroy(other.id)
    assert len(bridges()) == 1
    await libvirt_rig.hypervisor.destroy(one.id)
    assert bridges() == []


async def test_a_network_that_was_removed_from_the_host_is_made_again_at_the_next_start(
    libvirt_rig: LibvirtRig,
) -> None:
    spec = libvirt_rig.spec()
    await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)
    await libvirt_rig.hypervisor.shut_down(spec.id, 0)
    bridge = next(libvirt_rig.keeper.layout.networks.iterdir()).name
    await run("ip", "link", "delete", bridge)

    await libvirt_rig.hypervisor.start(spec.id)

    assert await libvirt_rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)


async def test_a_range_that_the_host_uses_already_is_refused_in_words(libvirt_rig: LibvirtRig) -> None:
    await libvirt_rig.hypervisor.build(libvirt_rig.spec(), libvirt_rig.image, quiet)
    libvirt_rig.network_id = str(uuid4())
    spec = libvirt_rig.spec()

    with pytest.raises(HypervisorError, match="in use on this host already, by chr-"):
        await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)

    assert libvirt_rig.traces(spec.id) == []


async def test_somebody_elses_domain_is_reported_and_never_touched(libvirt_rig: LibvirtRig) -> None:
    foreign = str(uuid4())
    connection = libvirt.open(libvirt_rig.keeper.layout.uri)
    domain = connection.defineXML(FOREIGN.format(name=f"foreign-{foreign}", uuid=foreign))
    try:
        domain.create()
        theirs = Actual(foreign, PowerState.RUNNING, ours=False)
        assert theirs in await libvirt_rig.hypervisor.actual()
        for asked in (
            libvirt_rig.hypervisor.destroy(foreign),
            libvirt_rig.hypervisor.shut_down(foreign, 0),
            libvirt_rig.hypervisor.reboot(foreign, hard=True, grace=0),
            libvirt_rig.hypervisor.build(replace(guest_spec(), id=foreign), libvirt_rig.image, quiet),
        ):
            with pytest.raises(HypervisorError, match="left alone"):
                await asked
        assert await libvirt_rig.hypervisor.inspect(foreign) == theirs
    finally:
        domain.destroy()
        domain.undefine()
        connection.close()


async def test_guests_outlive_the_daemon_and_everything_is_to_be_looked_at_when_it_is_back(
    libvirt_rig: LibvirtRig,
) -> None:
    spec = libvirt_rig.spec()
    await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)
    guest = libvirt_rig.qemu(spec.id)
    libvirt_rig.changes.clear()

    kill_daemon(libvirt_rig)

    async def look_at_everything() -> bool:
        return ("", None) in libvirt_rig.changes

    await eventually(look_at_everything)
    assert await libvirt_rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    assert libvirt_rig.qemu(spec.id) == guest
    assert is_running(guest)
    await asyncio.to_thread(pull_the_plug, libvirt_rig, spec.id)

    async def heard() -> bool:
        return (spec.id, StopReason.HOST) in libvirt_rig.changes

    await eventually(heard)


@pytest.mark.parametrize("stage", ["network", "start"])
async def test_a_build_goes_on_after_the_daemon_died_in_the_middle_of_it(libvirt_rig: LibvirtRig, stage: str) -> None:
    spec, stages = libvirt_rig.spec(), list[str]()

    def progress(begun: str) -> None:
        stages.append(begun)
        if begun == stage and stages.count(stage) == 1:
            kill_daemon(libvirt_rig)

    await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, progress)

    assert await libvirt_rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)


async def test_an_image_that_lies_elsewhere_is_refused(libvirt_rig: LibvirtRig, guest_image: Path) -> None:
    with pytest.raises(HypervisorError, match="does not lie below"):
        await libvirt_rig.hypervisor.build(libvirt_rig.spec(), guest_image, quiet)


async def test_an_image_with_a_backing_file_is_refused(libvirt_rig: LibvirtRig) -> None:
    thief = libvirt_rig.hypervisor.images / "thief.qcow2"
    await run("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/shadow", str(thief), "1M")

    with pytest.raises(HypervisorError, match="backing file"):
        await libvirt_rig.hypervisor.build(libvirt_rig.spec(), thief, quiet)


async def test_a_disk_that_is_too_small_for_the_image_is_refused(libvirt_rig: LibvirtRig) -> None:
    large = libvirt_rig.hypervisor.images / "large.raw"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 2 << 30)

    with pytest.raises(HypervisorError, match="needs a disk of 2 GiB"):
        await libvirt_rig.hypervisor.build(libvirt_rig.spec(disk_format="raw"), large, quiet)


async def test_a_guest_that_the_host_has_no_memory_for_is_refused_and_nothing_is_left(libvirt_rig: LibvirtRig) -> None:
    spec = replace(libvirt_rig.spec(), memory_mib=1 << 24)

    with pytest.raises(HypervisorError, match="too little free memory"):
        await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)

    assert libvirt_rig.traces(spec.id) == []


async def test_two_cards_in_two_networks(libvirt_rig: LibvirtRig) -> None:
    second = IPv4Network((int(libvirt_rig.subnet.network_address) ^ 0x8000, 24))
    spec = guest_spec(nic_on(libvirt_rig.subnet, libvirt_rig.network_id, 5), nic_on(second, str(uuid4()), 5))
    libvirt_rig.specs.append(spec)

    await libvirt_rig.hypervisor.build(spec, libvirt_rig.image, quiet)

    assert await libvirt_rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await libvirt_rig.hypervisor.destroy(spec.id)
    assert list(libvirt_rig.keeper.layout.networks.iterdir()) == []


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


def pull_the_plug(rig: LibvirtRig, instance_id: str) -> None:
    """What an operator with virsh may do."""
    connection = libvirt.open(rig.keeper.layout.uri)
    domain = connection.lookupByUUIDString(instance_id)
    domain.blockStats("vda")  # so a daemon that has just been started talks to the guest's process again
    domain.destroy()
    connection.close()


def kill_daemon(rig: LibvirtRig) -> None:
    os.kill(int((rig.keeper.layout.run / "libvirt" / "libvirtd.pid").read_text()), signal.SIGKILL)
