"""What the hypervisor's tests share: one libvirt environment a session, and a rig for each adapter."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.integration.hypervisor.keepers import REPOSITORY, KeeperProcess, needs_root
from tests.integration.hypervisor.rigs import LibvirtRig, Rig, SimulatedRig, free_subnet


@pytest.fixture(scope="session")
def guest_image() -> Path:
    """The tiny guest's image, built when it is not there."""
    named = os.environ.get("CHRONOVA_GUEST_IMAGE")
    if named and Path(named).exists():
        return Path(named)
    built = subprocess.run(
        [REPOSITORY / "script" / "guest" / "build"], check=True, stdout=subprocess.PIPE, text=True, timeout=250
    )
    return Path(built.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperProcess]:
    """A running libvirt environment; at the end nothing may be left of it."""
    if reason := needs_root():
        pytest.skip(reason)
    environment = KeeperProcess(tmp_path_factory.mktemp("libvirt"))
    environment.start()
    yield environment
    assert environment.stop() == 0
    assert environment.remains() == []


@pytest.fixture
def subnet() -> IPv4Network:
    """A range that nothing on this machine uses."""
    return free_subnet()


@pytest.fixture
def cached_image(keeper: KeeperProcess, guest_image: Path) -> Path:
    """The tiny guest's image where an agent would keep it."""
    path = keeper.layout.images / "tiny.qcow2"
    if not path.exists():
        shutil.copy(guest_image, path)
        path.chmod(0o444)
    return path


@pytest.fixture
async def libvirt_rig(keeper: KeeperProcess, cached_image: Path, subnet: IPv4Network) -> AsyncIterator[LibvirtRig]:
    rig = LibvirtRig(keeper=keeper, subnet=subnet, image=cached_image)
    await rig.open()
    yield rig
    await rig.close()


@pytest.fixture
async def simulated_rig(tmp_path: Path) -> AsyncIterator[SimulatedRig]:
    rig = SimulatedRig(directory=tmp_path / "guests")
    await rig.open()
    yield rig
    await rig.close()


@pytest.fixture(params=["simulated", "libvirt"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each adapter in turn."""
    found: Rig = request.getfixturevalue(f"{request.param}_rig")
    return found
