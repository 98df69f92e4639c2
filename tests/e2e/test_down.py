"""`chronova down` leaves nothing behind, and the next `up` goes on from there."""

import os
from pathlib import Path

import pytest

from services.cli.region import Region
from services.compute.libvirt.layout import Layout
from tests.e2e.conftest import chronova, run
from tests.integration.conftest import free_port


def traces(settings: Region) -> dict[str, list[str]]:
    """What a region has on the machine outside its own directory."""
    layout = Layout(settings.host_directory(settings.hosts[0]) / "libvirt")
    marks = (str(settings.data), str(layout.run))
    processes = [
        line
        for line in run("ps", "-eo", "pid,args").output.splitlines()
        if any(mark in line for mark in marks) and "ps -eo" not in line
    ]
    links = [line.split()[1] for line in run("ip", "-o", "link").output.splitlines()]
    return {
        "processes": processes,
        "mounts": [
            line for line in Path("/proc/mounts").read_text().splitlines() if any(mark in line for mark in marks)
        ],
        "run directory": [str(layout.run)] if layout.run.exists() else [],
        "links": sorted(links),
        "firewall": sorted(run("iptables-save").output.splitlines()) if os.geteuid() == 0 else [],
    }


def without_comments(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without what changes by itself: dates and packet counts."""
    firewall = [line.split(" [")[0] for line in found["firewall"] if not line.startswith("#")]
    return {**found, "firewall": firewall}


@pytest.mark.timeout(600)
def test_down_leaves_nothing_and_up_goes_on_from_there(tmp_path: Path) -> None:
    settings = Region(data=tmp_path / "region", api_port=free_port(), nats_port=free_port(), hosts=("none",))
    before = without_comments(traces(settings))["links"]
    ports = ("--api-port", str(settings.api_port), "--nats-port", str(settings.nats_port))
    arguments = ("--data", str(settings.data))

    started = chronova("up", "--detach", *arguments, *ports)
    try:
        assert started.code == 0, started.output + started.errors
        loaded = Region.load(settings.data)
        assert loaded is not None
        running = traces(loaded)
        assert running["processes"]
    finally:
        ended = chronova("down", *arguments)
    assert ended.code == 0, ended.errors
    after = traces(loaded)
    assert after["processes"] == []
    assert after["mounts"] == []
    assert after["run directory"] == []
    assert set(after["links"]) <= set(before)

    again = chronova("up", "--detach", *arguments)
    try:
        assert again.code == 0, again.output + again.errors
        assert "hello is already there: ACTIVE" in again.output
    finally:
        assert chronova("down", *arguments).code == 0
