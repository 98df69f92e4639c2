"""What the README promises, with a real guest and the stock client. The tests of one region share it, and leave it as it was."""

import json
import os
import signal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.cli.processes import running
from services.compute.libvirt.layout import Layout
from tests.e2e.conftest import BANNER, Cloud, chronova, run, until
from tests.integration.conftest import free_port
from tests.integration.hypervisor.ping import answers

CREATE = ("server", "create", "--image", "tiny", "--flavor", "tiny", "--network", "private")


def test_up_boots_a_guest_and_shows_its_story_and_its_own_banner(cloud: Cloud) -> None:
    told = cloud.first_output
    for what in (
        "instance.requested",
        "host.claims-granted",
        "network.addresses-allocated",
        "instance.scheduled",
        "instance.activated",
    ):
        assert what in told
    assert BANNER in told
    assert "login:" in told
    assert "How long each stage took" in told
    assert f"export OS_CLIENT_CONFIG_FILE={cloud.settings.clouds_yaml}" in told
    assert cloud.status("hello") == "ACTIVE"


def test_up_a_second_time_says_that_all_is_there(cloud: Cloud) -> None:
    again = chronova("up", "--detach", "--data", str(cloud.settings.data))
    assert again.code == 0, again.errors
    assert "already running" in again.output
    assert "hello is already there: ACTIVE" in again.output


def test_status_tells_what_runs(cloud: Cloud) -> None:
    told = chronova("status", "--json", "--data", str(cloud.settings.data))
    assert told.code == 0, told.output
    found = json.loads(told.output)
    assert found["healthy"]
    assert all(found["processes"].values())


def test_passwords_and_keys_are_readable_by_their_owner_alone(cloud: Cloud) -> None:
    secret = [
        cloud.settings.clouds_yaml,
        *(cloud.settings.data / "keys").iterdir(),
        *(cloud.settings.data / "nats" / "keys").iterdir(),
    ]
    assert [path for path in secret if path.stat().st_mode & 0o077] == []
    password = next(
        line.split('"')[1] for line in cloud.settings.clouds_yaml.read_text().splitlines() if "password" in line
    )
    lines = run("grep", "-rlF", password, str(cloud.settings.data)).output.split()
    assert lines == [str(cloud.settings.clouds_yaml)]


def test_the_stock_client_creates_stops_starts_reboots_and_deletes_a_server(cloud: Cloud) -> None:
    cloud.do(*CREATE, "--wait", "vm1")
    shown = cloud.get("server", "show", "vm1")
    server_id = shown["id"]
    assert shown["status"] == "ACTIVE"
    address = shown["addresses"]["private"][0]
    assert cloud.virsh("domstate", server_id) == "running"

    until(lambda: BANNER in cloud.do("console", "log", "show", "vm1"))
    until(lambda: "login:" in cloud.do("console", "log", "show", "vm1"))
    assert answers(address)
    console = cloud.do("console", "log", "show", "vm1")
    assert "vm1" in console  # the hostname that the config drive told it
    assert address in console  # the address that the log chose

    cloud.do("server", "stop", "vm1")
    until(lambda: cloud.status("vm1") == "SHUTOFF")
    assert cloud.virsh("domstate", server_id) == "shut off"
    cloud.do("server", "start", "vm1")
    until(lambda: cloud.status("vm1") == "ACTIVE")
    assert cloud.virsh("domstate", server_id) == "running"
    cloud.do("server", "reboot", "--hard", "--wait", "vm1")
    assert cloud.status("vm1") == "ACTIVE"

    actions = [event["Action"] for event in cloud.get("server", "event", "list", "vm1")]
    assert sorted(actions) == ["create", "reboot", "start", "stop"]

    cloud.do("server", "delete", "--wait", "vm1")
    assert server_id not in cloud.domains()
    root = cloud.settings.host_directory(cloud.settings.hosts[0]) / "libvirt"
    assert not Layout(root).instance(server_id).exists()
    until(lambda: address not in cloud.do("port", "list"))
    assert cloud.openstack("server", "show", server_id).code != 0


def test_an_agent_that_is_killed_in_the_middle_of_a_build_finishes_it(cloud: Cloud) -> None:
    before = cloud.pid("agents")
    cloud.do(*CREATE, "vm2")
    os.kill(before, signal.SIGKILL)
    until(lambda: cloud.status("vm2") == "ACTIVE")
    assert cloud.pid("agents") != before
    server_id = cloud.get("server", "show", "vm2")["id"]
    assert cloud.domains().count(server_id) == 1
    cloud.do("server", "delete", "--wait", "vm2")


def test_a_control_plane_that_is_killed_in_the_middle_of_a_build_loses_nothing(cloud: Cloud) -> None:
    before = cloud.pid("control-plane")
    cloud.do(*CREATE, "vm3")
    os.kill(before, signal.SIGKILL)

    def is_active() -> bool:
        shown = cloud.openstack("server", "show", "vm3", "-f", "value", "-c", "status")
        return shown.code == 0 and shown.output.strip() == "ACTIVE"

    until(is_active)
    assert cloud.pid("control-plane") != before
    server_id = cloud.get("server", "show", "vm3")["id"]
    assert cloud.domains().count(server_id) == 1
    cloud.do("server", "delete", "--wait", "vm3")


def test_a_guest_that_dies_is_shown_as_stopped(cloud: Cloud) -> None:
    cloud.do(*CREATE, "--wait", "vm4")
    server_id = cloud.get("server", "show", "vm4")["id"]
    assert cloud.virsh("destroy", server_id)
    until(lambda: cloud.status("vm4") == "SHUTOFF", within=30)
    cloud.do("server", "delete", "--wait", "vm4")


def test_a_server_that_fits_nowhere_says_how_many_hosts_each_filter_removed(cloud: Cloud) -> None:
    # Disk, because processors and memory are held to the project's quota before any host is asked.
    cloud.get("flavor", "create", "--vcpus", "1", "--ram", "128", "--disk", "9000000", "huge", cloud="chronova-admin")
    cloud.do("server", "create", "--image", "tiny", "--flavor", "huge", "--network", "private", "vm5")
    until(lambda: cloud.status("vm5") == "ERROR", within=30)
    assert "fits removed 1" in cloud.get("server", "show", "vm5")["fault"]["message"]
    cloud.do("server", "delete", "--wait", "vm5")


def test_a_wrong_token_and_a_strangers_server_are_refused(cloud: Cloud) -> None:
    url = cloud.settings.api_url
    assert httpx.get(f"{url}/v2.1/servers").status_code == 401
    assert httpx.get(f"{url}/v2.1/servers", headers={"X-Auth-Token": "x"}).status_code == 401
    token = cloud.do("token", "issue", "-f", "value", "-c", "id").strip()
    answer = httpx.get(f"{url}/v2.1/servers/{uuid4()}", headers={"X-Auth-Token": token})
    assert answer.status_code == 404
    assert answer.json()["itemNotFound"]["code"] == 404


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(cloud: Cloud, tmp_path: Path) -> None:
    taken = str(cloud.settings.api_port)
    refused = chronova(
        "up",
        "--detach",
        "--data",
        str(tmp_path / "r"),
        "--api-port",
        taken,
        "--nats-port",
        str(free_port()),
        "--hypervisor",
        "simulated",
    )
    assert refused.code == 1
    assert f"Port {taken} cannot be used" in refused.output + refused.errors
    assert "--api-port" in refused.output + refused.errors
    assert [path for path in (tmp_path / "r" / "run").glob("*.pid") if running(path)] == []


@pytest.mark.parametrize("hosts", ["3"])
def test_a_second_region_with_simulated_hosts_runs_beside_it(cloud: Cloud, tmp_path: Path, hosts: str) -> None:
    data = tmp_path / "second"
    ports = ("--api-port", str(free_port()), "--nats-port", str(free_port()))
    started = chronova("up", "--detach", "--data", str(data), *ports, "--hypervisor", "simulated", "--hosts", hosts)
    try:
        assert started.code == 0, started.output + started.errors
        assert "instance.activated" in started.output
        told = json.loads(chronova("status", "--json", "--data", str(data)).output)
        assert [host["name"] for host in told["read_model"]["hosts"]] == ["sim-1", "sim-2", "sim-3"]
        assert cloud.status("hello") == "ACTIVE"
    finally:
        ended = chronova("down", "--data", str(data))
    assert ended.code == 0
    assert [path for path in (data / "run").glob("*.pid") if running(path)] == []


def test_what_the_region_has_recorded_is_whole_and_its_read_model_is_what_the_log_says(cloud: Cloud) -> None:
    audited = chronova("audit", "verify", "--data", str(cloud.settings.data))
    assert audited.code == 0, audited.errors
    assert "The log is whole" in audited.output
