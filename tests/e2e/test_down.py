"""`chronova down` leaves nothing behind, and the next `up` goes on from there."""

import contextlib
from pathlib import Path

import pytest

from services.cli.region import Region
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.networks import bridge_name
from tests.e2e.conftest import chronova, run
from tests.integration.conftest import free_port


def commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def traces(settings: Region) -> dict[str, list[str]]:
    """What a region has on the machine outside its own directory."""
    layout = Layout(settings.host_directory(settings.hosts[0]) / "libvirt")
    marks = (str(settings.data), str(layout.run))
    bridge = bridge_name(settings.derived_id("network private"))
    return {
        "processes": [line for line in commands() if any(mark in line for mark in marks)],
        "mounts": [
            line for line in Path("/proc/mounts").read_text().splitlines() if any(mark in line for mark in marks)
        ],
        "run directory": [str(layout.run)] if layout.run.exists() else [],
        "bridges": [bridge] if Path("/sys/class/net", bridge).exists() else [],
        "firewall": [line for line in run("iptables-save").output.splitlines() if bridge in line],
    }


@pytest.mark.timeout(600)
def test_down_leaves_nothing_and_up_goes_on_from_there(tmp_path: Path) -> None:
    data = tmp_path / "region"
    ports = ("--api-port", str(free_port()), "--nats-port", str(free_port()))
    arguments = ("--data", str(data))

    started = chronova("up", "--detach", *arguments, *ports)
    try:
        assert started.code == 0, started.output + started.errors
        settings = Region.load(data)
        assert settings is not None
        running = traces(settings)
        assert running["processes"]
        assert running["bridges"]
    finally:
        ended = chronova("down", *arguments)
    assert ended.code == 0, ended.errors
    assert traces(settings) == {what: [] for what in running}

    again = chronova("up", "--detach", *arguments)
    try:
        assert again.code == 0, again.output + again.errors
        assert "hello is already there: ACTIVE" in again.output
    finally:
        assert chronova("down", *arguments).code == 0
