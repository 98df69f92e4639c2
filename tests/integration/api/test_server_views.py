"""What else can be asked of one server: addresses, figures, groups, what was done to it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"


def version(number: str) -> dict[str, str]:
    return {"OpenStack-API-Version": f"compute {number}"}


async def test_addresses_of_one_network_can_be_asked_for(api: Api) -> None:
    server_id = await api.active()
    path = f"/v2.1/servers/{server_id}/ips"
    assert await api.get(f"{path}/private") == {"private": [{"version": 4, "addr": "10.128.0.2"}]}
    other = await api("GET", f"{path}/public")
    assert other.status_code == 404
    assert other.json()["itemNotFound"]["message"] == "Instance is not a member of specified network"


async def test_figures_of_a_guest_come_from_its_host(api: Api) -> None:
    server_id = await api.create()
    path = f"/v2.1/servers/{server_id}/diagnostics"
    assert (await api("GET", path)).status_code == 403
    waiting = await api("GET", path, cloud=ADMIN)
    assert waiting.json()["conflictingRequest"]["message"] == f"Instance {server_id} is not ready"
    await api.schedule(server_id)
    await api.settle(server_id)
    api.clock.ahead = timedelta(hours=1)
    figures = await api.get(path, cloud=ADMIN)
    assert 3600 <= figures.pop("uptime") < 3700
    assert figures == {
        "state": "running",
        "driver": "libvirt",
        "hypervisor": "simulated",
        "hypervisor_os": "linux",
        "config_drive": True,
        "num_cpus": 1,
        "num_nics": 1,
        "num_disks": 1,
        "disk_details": [
            {
                "read_bytes": 4096,
                "read_requests": 1,
                "write_bytes": 8192,
                "write_requests": 2,
                "errors_count": None,
            }
        ],
        "cpu_details": [{"id": 0, "time": 7_000_000_000, "utilisation": None}],
        "nic_details": [
            {
                "mac_address": "52:54:00:00:00:01",
                "rx_octets": 1,
                "rx_packets": 2,
                "rx_errors": 3,
                "rx_drop": 4,
                "rx_rate": None,
                "tx_octets": 5,
                "tx_packets": 6,
                "tx_errors": 7,
                "tx_drop": 8,
                "tx_rate": None,
            }
        ],
        "memory_details": {"maximum": 128, "used": 0},
    }
    flat = await api.get(path, cloud=ADMIN, headers=version("2.47"))
    assert (flat["cpu0_time"], flat["vda_read"], flat["vnet0_tx_errors"]) == (7_000_000_000, 4096, 7)
    assert flat["memory"] == 128 * 1024


async def test_a_guest_that_is_off_has_no_figures(api: Api) -> None:
    server_id = await api.active()
    await api.act(server_id, {"os-stop": None})
    await api.settle(server_id)
    answer = await api("GET", f"/v2.1/servers/{server_id}/diagnostics", cloud=ADMIN)
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        f"Cannot 'get_diagnostics' instance {server_id} while it is in power state shutdown"
    )


async def test_a_host_that_is_silent_is_no_fault_of_the_server(api: Api) -> None:
    server_id = await api.active()
    api.hosts_are_silent = True
    answer = await api("GET", f"/v2.1/servers/{server_id}/diagnostics", cloud=ADMIN)
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["serviceUnavailable"]["message"]


async def test_a_server_is_in_the_default_security_group_where_it_has_ports(api: Api) -> None:
    server_id, alone = await api.create(), await api.create(networks="none")
    (unseen,) = (await api.get(f"/v2.1/servers/{server_id}/os-security-groups"))["security_groups"]
    (known,) = (await api.get("/network/v2.0/security-groups"))["security_groups"]
    (group,) = (await api.get(f"/v2.1/servers/{server_id}/os-security-groups"))["security_groups"]
    assert (group["id"], group["name"]) == (unseen["id"], unseen["name"]) == (known["id"], "default")
    incoming = {rule["id"] for rule in known["security_group_rules"] if rule["direction"] == "ingress"}
    assert {rule["id"] for rule in group["rules"]} == incoming
    assert {rule["group"]["name"] for rule in group["rules"]} <= {"default"}
    assert await api.get(f"/v2.1/servers/{alone}/os-security-groups") == {"security_groups": []}


async def test_what_guests_do_not_have_is_empty(api: Api) -> None:
    server_id = await api.create()
    path = f"/v2.1/servers/{server_id}"
    assert await api.get(f"{path}/os-server-password") == {"password": ""}
    assert (await api("DELETE", f"{path}/os-server-password")).status_code == 204
    assert await api.get(f"{path}/topology") == {"nodes": [], "pagesize_kb": None}
    assert (await api("GET", f"{path}/topology", headers=version("2.77"))).status_code == 404
    assert await api.get(f"{path}/migrations", cloud=ADMIN) == {"migrations": []}
    assert (await api("GET", f"{path}/migrations")).status_code == 403
    assert (await api("GET", f"{path}/migrations", cloud=ADMIN, headers=version("2.22"))).status_code == 404
    missing = await api("GET", f"{path}/migrations/7", cloud=ADMIN)
    assert missing.json()["itemNotFound"]["message"] == (
        f"In-progress live migration 7 is not found for server {server_id}."
    )


@pytest.mark.parametrize(
    ("console", "number", "status"),
    [
        ({"protocol": "vnc", "type": "novnc"}, "2.6", 400),
        ({"protocol": "mks", "type": "webmks"}, "2.8", 400),
        ({"protocol": "rdp", "type": "rdp-html5"}, "2.96", 400),
        ({"protocol": "vnc"}, "2.96", 400),
        ({"protocol": "vnc", "type": "novnc"}, "2.5", 404),
    ],
)
async def test_screens_cannot_be_shown(api: Api, console: dict[str, str], number: str, status: int) -> None:
    server_id = await api.active()
    body = {"remote_console": console}
    answer = await api("POST", f"/v2.1/servers/{server_id}/remote-consoles", json=body, headers=version(number))
    assert answer.status_code == status
    if console.get("type") == "novnc" and status == 400:
        assert "Unavailable console type novnc. " in answer.json()["badRequest"]["message"]


async def test_a_server_that_never_ran_has_no_screen(api: Api) -> None:
    server_id = await api.create()
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert (await api("POST", f"/v2.1/servers/{server_id}/remote-consoles", json=body)).status_code == 409


async def test_servers_that_are_not_there_have_nothing(api: Api) -> None:
    theirs = await api.create(cloud=ADMIN)
    console = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    for server_id, cloud in ((theirs, None), (NOWHERE, ADMIN)):
        options: dict[str, Any] = {} if cloud is None else {"cloud": cloud}
        for method, end, body in (
            ("GET", "ips/private", None),
            ("GET", "os-security-groups", None),
            ("GET", "os-server-password", None),
            ("DELETE", "os-server-password", None),
            ("GET", "topology", None),
            ("POST", "remote-consoles", console),
        ):
            answer = await api(method, f"/v2.1/servers/{server_id}/{end}", json=body, **options)
            assert answer.status_code == 404, (method, end)
    for end in ("diagnostics", "migrations", "migrations/7"):
        assert (await api("GET", f"/v2.1/servers/{NOWHERE}/{end}", cloud=ADMIN)).status_code == 404


async def test_actions_are_listed_by_when_they_changed(api: Api) -> None:
    server_id = await api.active()
    api.clock.ahead = timedelta(hours=2)
    await api.act(server_id, {"os-stop": None})
    path = f"/v2.1/servers/{server_id}/os-instance-actions"
    create = next(each for each in (await api.get(path))["instanceActions"] if each["action"] == "create")
    between = (datetime.fromisoformat(create["updated_at"]) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def found(query: str, number: str = "2.96") -> list[str]:
        answer = await api.get(f"{path}?{query}", headers=version(number))
        return [action["action"] for action in answer["instanceActions"]]

    assert await found("") == ["stop", "create"]
    assert await found(f"changes-since={between}") == ["stop"]
    assert await found(f"changes-before={between}") == ["create"]
    assert await found(f"changes-since={between}", "2.57") == ["stop", "create"]
    for query, number, status in (
        ("changes-since=soon", "2.58", 400),
        (f"changes-before={between}", "2.65", 400),
        ("colour=red", "2.58", 400),
        ("colour=red", "2.57", 200),
        ("limit=-1", "2.58", 400),
        (f"changes-since=2999-01-01T00:00:00Z&changes-before={between}", "2.66", 400),
    ):
        assert (await api("GET", f"{path}?{query}", headers=version(number))).status_code == status, query
