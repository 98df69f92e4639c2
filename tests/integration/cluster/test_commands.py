"""The commands of docs/operations, as an operator gives them: a cluster is configured and started, and a region runs on it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import free_port

NAMES = ("n1", "n2", "n3")


def chronova(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "services.cli.main", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    nodes = [f"--node={name}=127.0.0.1:{free_port()}:{free_port()}:{free_port()}" for name in NAMES]
    hosts = ["--host=sim-1", "--host=sim-2"]
    chronova("log", "cluster-config", directory, *nodes, *hosts, "--store", tmp_path / "store")
    return directory


@pytest.fixture
def nodes(configured: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    server = str(Path(sys.executable).parent / "nats-server")
    running = {
        name: subprocess.Popen(
            [server, "--config", str(configured / f"{name}.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in NAMES
    }
    yield running
    for process in running.values():
        process.kill()
        process.wait()


def urls(configured: Path) -> str:
    nodes = json.loads((configured / "cluster.json").read_text())["nodes"]
    return ",".join(f"nats://{node['address']}:{node['port']}" for node in nodes)


def test_a_region_runs_on_a_cluster(
    tmp_path: Path, configured: Path, nodes: dict[str, subprocess.Popen[bytes]]
) -> None:
    data = tmp_path / "region"
    log = ("--nats-url", urls(configured), "--nats-keys", configured / "keys")
    try:
        said = chronova(
            "up", "--data", data, "--api-port", free_port(), "--hypervisor", "simulated", "--hosts", 2, "--detach", *log
        )
        assert "hello" in said
        status = json.loads(chronova("status", "--data", data, "--json"))
        assert [stream["stream"] for stream in status["log"]["streams"] if stream["whole"]] == [
            "EVENTS",
            "WORK",
            "REPORTS",
            "KV_SECRETS",
            "KV_POSITIONS",
        ]
        assert "nats-server" not in status["processes"]

        nodes["n2"].kill()
        nodes["n2"].wait()
        until_told_of(data, "n2")
        chronova("audit", "verify", "--data", data)
    finally:
        chronova("down", "--data", data)
        assert all(process.poll() is None for name, process in nodes.items() if name != "n2")


def until_told_of(data: Path, away: str) -> None:
    """Until status tells that a node is away, of every stream, and that not everything runs."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = subprocess.run(
            [sys.executable, "-m", "services.cli.main", "status", "--data", str(data), "--json"],
            capture_output=True,
            check=False,
        )
        streams = json.loads(status.stdout)["log"]["streams"]
        if streams and all(stream["leader"] and stream["lag"].get(away, 0) is None for stream in streams):
            assert status.returncode == 1
            return
        time.sleep(0.2)
    raise AssertionError(f"status does not tell that {away} is away")


def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path, configured: Path) -> None:
    two = ("--node=a=10.0.0.1", "--node=b=10.0.0.2")
    assert "three nodes or more" in chronova("log", "cluster-config", tmp_path / "two", *two, code=1)
    assert "knows no host sim-9" in chronova("log", "cluster-config", configured, "--without-host=sim-9", code=1)
    up = ("up", "--data", tmp_path / "r", "--hypervisor", "simulated", "--no-first-instance")
    assert "URLs and a directory of keys" in chronova(*up, "--nats-url", urls(configured), code=1)
    log = ("--nats-url", urls(configured), "--nats-keys", configured / "keys")
    assert "no key of host sim-3" in chronova(*up, *log, "--hosts", 3, code=1)
    assert "has URLs" in chronova(*up, "--nats-keys", configured / "keys", code=1)


def test_keys_stay_and_only_their_owner_can_read_them(configured: Path) -> None:
    before = {path: path.read_bytes() for path in (configured / "keys").iterdir()}
    chronova("log", "cluster-config", configured, "--host", "sim-3", "--without-host", "sim-1")
    after = {path: path.read_bytes() for path in (configured / "keys").iterdir()}
    assert {path.name for path in after} == {"control.nk", "system.nk", "host-sim-2.nk", "host-sim-3.nk"}
    assert all(after[path] == seed for path, seed in before.items() if path in after)
    for path in (*after, configured / "cluster.json", *(configured / f"{name}.conf" for name in NAMES)):
        assert path.stat().st_mode & 0o077 == 0
    config = (configured / "n1.conf").read_text()
    assert not [path for path, seed in after.items() if seed.decode().strip() in config]
