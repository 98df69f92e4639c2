"""The host's own libvirt, from start to stop: what it survives, and that nothing stays on the machine."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from uuid import uuid4

import libvirt
import pytest

from domain.instance.state import PowerState, StopReason
from services.compute.hypervisor import Actual
from services.compute.libvirt.environment import is_ready
from services.compute.libvirt.networks import bridge_name, network_xml
from services.compute.libvirt.processes import all_processes
from services.compute.libvirt.qemu_user import qemu_user
from tests.integration.hypervisor.keepers import KeeperProcess, needs_root
from tests.integration.hypervisor.rigs import LibvirtRig, free_subnet, nic_on
from tests.integration.hypervisor.waiting import is_running, until

pytestmark = pytest.mark.skipif(needs_root() is not None, reason=str(needs_root()))


def quiet(_stage: str) -> None:
    """Progress that nobody follows."""


@pytest.fixture
def own_keeper(tmp_path: Path) -> Iterator[KeeperProcess]:
    """A keeper that the test starts and ends as it likes."""
    keeper = KeeperProcess(tmp_path / "own")
    yield keeper
    if keeper.process is not None:
        keeper.stop()
    assert keeper.run("--clean").returncode == 0
    assert keeper.remains() == []


def start_network(keeper: KeeperProcess, subnet: IPv4Network) -> str:
    """A network in a keeper's libvirt, without a guest; its bridge."""
    nic = nic_on(subnet, str(uuid4()), 5)
    directory = keeper.layout.networks / bridge_name(nic.network_id)
    directory.mkdir()
    connection = libvirt.open(keeper.layout.uri)
    connection.networkCreateXML(network_xml(nic, keeper.layout.inside(directory), "nat"))
    connection.close()
    return directory.name


def firewall() -> set[str]:
    """Every rule and chain on the machine that is libvirt's."""
    rules = set()
    for tool in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle"):
            shown = subprocess.run([tool, "-t", table, "-S"], check=False, capture_output=True, text=True).stdout
            rules |= {f"{tool} {table} {rule}" for rule in shown.splitlines() if "LIBVIRT_" in rule}
    return rules


def other_libvirts() -> bool:
    """Whether somebody else's libvirt runs on the machine, which may need its chains."""
    return any(process.name == "libvirtd" and is_running(process.pid) for process in all_processes())


def daemon(keeper: KeeperProcess, name: str) -> int:
    """A daemon's pid; 0 while it is just being written down."""
    try:
        return int((keeper.layout.run / "libvirt" / f"{name}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def test_it_says_when_it_is_ready_and_leaves_nothing_when_it_is_told_to_stop(own_keeper: KeeperProcess) -> None:
    assert not is_ready(own_keeper.root)
    own_keeper.start()
    assert is_ready(own_keeper.root)
    bridge = start_network(own_keeper, free_subnet())
    assert (Path("/sys/class/net") / bridge).exists()

    assert own_keeper.stop() == 0

    assert not is_ready(own_keeper.root)
    assert own_keeper.remains() == []
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(own_keeper.root) not in mounts
    assert own_keeper.layout.run.name not in mounts
    assert not any(bridge in rule for rule in firewall())
    assert other_libvirts() or firewall() == set()


@pytest.mark.skipif(not Path("/dev/kvm").exists(), reason="there is no /dev/kvm")
@pytest.mark.parametrize("accelerator", ["kvm", "qemu"])
def test_kvm_is_for_the_guests_alone_or_for_nobody_and_on_the_machine_it_stays_as_it_was(
    own_keeper: KeeperProcess, accelerator: str
) -> None:
    before = Path("/dev/kvm").stat()
    own_keeper.start(accelerator)

    seen = Path(f"/proc/{daemon(own_keeper, 'libvirtd')}/root/dev/kvm").stat()
    if accelerator == "kvm":
        assert (seen.st_rdev, seen.st_uid, seen.st_mode & 0o777) == (before.st_rdev, qemu_user().uid, 0o600)
    else:
        assert seen.st_rdev == 0

    assert own_keeper.stop() == 0
    assert own_keeper.remains() == []
    after = Path("/dev/kvm").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_two_keepers_side_by_side_leave_each_others_firewall_alone(own_keeper: KeeperProcess, tmp_path: Path) -> None:
    other = KeeperProcess(tmp_path / "other")
    own_keeper.start()
    other.start()
    bridge = start_network(own_keeper, free_subnet())
    start_network(other, free_subnet())

    assert other.stop() == 0

    assert other.remains() == []
    assert any(bridge in rule for rule in firewall())
    assert start_network(own_keeper, free_subnet())


def test_a_second_keeper_on_the_same_root_is_refused(own_keeper: KeeperProcess) -> None:
    own_keeper.start()

    for options in ((), ("--clean",)):
        refused = own_keeper.run(*options)
        assert refused.returncode == 1
        assert "stop it first" in refused.stderr

    assert is_ready(own_keeper.root)


def test_a_root_may_lie_deeper_than_a_socket_can(own_keeper: KeeperProcess) -> None:
    own_keeper.root = own_keeper.root / ("deep" * 20) / ("deeper" * 20)
    own_keeper.start()

    assert len(os.fsencode(own_keeper.layout.socket)) < 108
    assert is_ready(own_keeper.root)


@pytest.mark.parametrize("name", ["libvirtd", "virtlogd"])
def test_a_daemon_that_dies_is_started_again(own_keeper: KeeperProcess, name: str) -> None:
    own_keeper.start()
    first = daemon(own_keeper, name)

    os.kill(first, signal.SIGKILL)

    until(lambda: daemon(own_keeper, name) not in {0, first})
    sockets = {"libvirtd": "libvirt-sock", "virtlogd": "virtlogd-sock"}
    until(lambda: connects(own_keeper.layout.run / "libvirt" / sockets[name]))


def test_a_machine_that_lacks_something_is_told_what_to_install(
    own_keeper: KeeperProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("services.compute.libvirt.requirements._search_path", lambda: str(tmp_path))
    from services.compute.libvirt.environment import main  # noqa: PLC0415 -- after the change

    assert main(["--root", str(own_keeper.root)]) == 1
    assert "apt-get install" in capsys.readouterr().err


def test_what_a_killed_keeper_left_is_ended_on_request(own_keeper: KeeperProcess) -> None:
    own_keeper.start()
    bridge = start_network(own_keeper, free_subnet())
    own_keeper.kill()
    assert (Path("/sys/class/net") / bridge).exists()
    assert own_keeper.remains()

    cleaned = own_keeper.run("--clean")

    assert (cleaned.returncode, cleaned.stdout) == (0, "ended what was left running\n")
    assert own_keeper.remains() == []
    again = own_keeper.run("--clean")
    assert (again.returncode, again.stdout) == (0, "")


async def test_guests_outlive_a_killed_keeper_and_its_successor_takes_them_over(
    own_keeper: KeeperProcess, guest_image: Path, subnet: IPv4Network
) -> None:
    await asyncio.to_thread(own_keeper.start)
    image = own_keeper.layout.images / "tiny.qcow2"
    image.write_bytes(guest_image.read_bytes())
    rig = LibvirtRig(keeper=own_keeper, subnet=subnet, image=image)
    await rig.open()
    spec = rig.spec()
    await rig.hypervisor.build(spec, image, quiet)
    guest, log_daemon = rig.qemu(spec.id), daemon(own_keeper, "virtlogd")

    own_keeper.kill()
    assert is_running(guest)
    await asyncio.to_thread(own_keeper.start)

    assert rig.qemu(spec.id) == guest
    assert is_running(guest)
    assert daemon(own_keeper, "virtlogd") == log_daemon
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.booted(spec.id)  # so the console is still recorded, by the one log daemon that can

    assert await asyncio.to_thread(own_keeper.stop) == 0
    assert not is_running(guest)
    assert own_keeper.remains() == []
    await asyncio.to_thread(own_keeper.start)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.SHUTDOWN, StopReason.HOST)
    await rig.hypervisor.start(spec.id)
    assert await rig.hypervisor.inspect(spec.id) == Actual(spec.id, PowerState.RUNNING)
    await rig.close()


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_bridges_are_named_within_what_linux_allows() -> None:
    assert re.fullmatch(r"chr-[0-9a-f]{11}", bridge_name(str(uuid4())))
