"""A region as a user runs it: the real command, a real guest, and the stock client from an environment of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli.region import Region
from services.compute.libvirt.environment import uri
from tests.integration.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
BANNER = "Chronova tiny"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    errors: str


def run(*command: str, environment: dict[str, str] | None = None, patience: float = 300) -> Done:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=patience,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def chronova(*arguments: str, patience: float = 300) -> Done:
    return run(sys.executable, "-m", "services.cli.main", *arguments, patience=patience)


def until(probe: Callable[[], Any], *, within: float = 120) -> Any:
    """The first truthy answer of a probe."""
    deadline = time.monotonic() + within
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"nothing came of it within {within} s"
        time.sleep(0.2)
    return answer


@dataclass(frozen=True)
class Cloud:
    """A running region and its stock client."""

    settings: Region
    client: str
    first_output: str

    def openstack(self, *arguments: str, cloud: str = "chronova") -> Done:
        environment = {"OS_CLIENT_CONFIG_FILE": str(self.settings.clouds_yaml)}
        return run(self.client, "--os-cloud", cloud, *arguments, environment=environment)

    def get(self, *arguments: str, cloud: str = "chronova") -> Any:
        """What a command prints as JSON; it must succeed."""
        done = self.openstack(*arguments, "-f", "json", cloud=cloud)
        assert done.code == 0, done.errors
        return json.loads(done.output)

    def do(self, *arguments: str) -> str:
        done = self.openstack(*arguments)
        assert done.code == 0, done.errors
        return done.output

    def status(self, server: str) -> str:
        return str(self.get("server", "show", server)["status"])

    def virsh(self, *arguments: str) -> str:
        root = self.settings.host_directory(self.settings.hosts[0]) / "libvirt"
        done = run("virsh", "--connect", uri(root), *arguments)
        return done.output.strip() if done.code == 0 else ""

    def domains(self) -> list[str]:
        return self.virsh("list", "--all", "--uuid").split()

    def pid(self, name: str) -> int:
        return int((self.settings.run / f"{name}.pid").read_text().split()[0])


@pytest.fixture(scope="session")
def stock_client() -> str:
    """The `openstack` command that script/test has installed beside ours."""
    client = ROOT / ".venv-openstackclient" / "bin" / "openstack"
    assert client.exists(), "run this through script/test, which installs the stock client"
    return str(client)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, stock_client: str) -> Iterator[Cloud]:
    assert os.environ.get("CHRONOVA_GUEST_IMAGE"), "run this through script/test, which builds the guest image"
    data = tmp_path_factory.mktemp("cloud") / "region"
    started = chronova(
        "up", "--detach", "--data", str(data), "--api-port", str(free_port()), "--nats-port", str(free_port())
    )
    try:
        assert started.code == 0, started.output + started.errors
        settings = Region.load(data)
        assert settings is not None
        yield Cloud(settings, stock_client, started.output)
    finally:
        ended = chronova("down", "--data", str(data))
    assert ended.code == 0, ended.output + ended.errors
