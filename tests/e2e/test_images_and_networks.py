"""Images, networks, ports and security groups with the stock client, on a region whose guests are simulated."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.region import Region
from tests.e2e.conftest import Cloud, chronova, until
from tests.integration.conftest import free_port


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, stock_client: str) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("simulated") / "region"
    ports = ("--api-port", str(free_port()), "--nats-port", str(free_port()))
    up = ("up", "--detach", "--data", str(data), *ports, "--hypervisor", "simulated", "--no-first-instance")
    started = chronova(*up)
    try:
        assert started.code == 0, started.output + started.errors
        settings = Region.load(data)
        assert settings is not None
        yield Cloud(settings, stock_client, started.output)
    finally:
        ended = chronova("down", "--data", str(data))
    assert ended.code == 0, ended.output + ended.errors


def test_the_stock_client_keeps_images(simulated: Cloud, tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(os.urandom(100_000))
    simulated.do(
        "image", "create", "--file", str(disk), "--disk-format", "raw", "--property", "os_distro=debian", "base"
    )
    shown = simulated.get("image", "show", "base")
    assert (shown["status"], shown["size"], shown["properties"]["os_distro"]) == ("active", 100_000, "debian")

    simulated.do(
        "image", "set", "--name", "base-1", "--property", "hw_disk_bus=virtio", "--tag", "red", "--min-ram", "64",
        "--protected", "base",
    )  # fmt: skip
    shown = simulated.get("image", "show", "base-1")
    assert (shown["protected"], shown["min_ram"], shown["tags"]) == (True, 64, ["red"])
    assert shown["properties"]["hw_disk_bus"] == "virtio"
    assert simulated.openstack("image", "delete", "base-1").code != 0
    simulated.do("image", "unset", "--property", "os_distro", "--tag", "red", "base-1")
    simulated.do("image", "set", "--unprotected", "--shared", "base-1")
    shown = simulated.get("image", "show", "base-1")
    assert (shown["tags"], shown["visibility"], "os_distro" in shown["properties"]) == ([], "shared", False)
    assert [image["Name"] for image in simulated.get("image", "list", "--property", "hw_disk_bus=virtio")] == ["base-1"]
    assert [image["Name"] for image in simulated.get("image", "list", "--public")] == ["tiny"]

    other = simulated.get("project", "show", "admin", cloud="chronova-admin")["id"]
    simulated.do("image", "add", "project", "base-1", other)
    (member,) = simulated.get("image", "member", "list", "base-1")
    assert (member["Member ID"], member["Status"]) == (other, "pending")
    image_id = shown["id"]
    accepted = simulated.openstack("image", "set", "--accept", image_id, cloud="chronova-admin")
    assert accepted.code == 0, accepted.errors
    simulated.do("image", "remove", "project", "base-1", other)
    for command, status in (("--deactivate", "deactivated"), ("--activate", "active")):
        done = simulated.openstack("image", "set", command, image_id, cloud="chronova-admin")
        assert done.code == 0, done.errors
        assert simulated.get("image", "show", image_id)["status"] == status

    copy = tmp_path / "copy.raw"
    simulated.do("image", "save", "--file", str(copy), "base-1")
    assert copy.read_bytes() == disk.read_bytes()
    simulated.do("image", "delete", "base-1")
    assert [image["Name"] for image in simulated.get("image", "list")] == ["tiny"]


def test_the_stock_client_makes_networks_and_servers_on_them(simulated: Cloud) -> None:
    simulated.do("network", "create", "--description", "For databases", "--tag", "blue", "back")
    simulated.do(
        "subnet", "create", "--network", "back", "--subnet-range", "192.0.2.0/24", "--dns-nameserver", "9.9.9.9",
        "--allocation-pool", "start=192.0.2.10,end=192.0.2.99", "back-v4",
    )  # fmt: skip
    assert simulated.get("subnet", "show", "back-v4")["gateway_ip"] == "192.0.2.1"
    simulated.do("subnet", "set", "--name", "back-1", "--dns-nameserver", "1.1.1.1", "back-v4")
    assert sorted(simulated.get("subnet", "show", "back-1")["dns_nameservers"]) == ["1.1.1.1", "9.9.9.9"]
    simulated.do("network", "set", "--name", "backend", "back")
    assert [each["Name"] for each in simulated.get("network", "list", "--tags", "blue")] == ["backend"]

    simulated.do("security", "group", "create", "--description", "Speaks SQL", "sql")
    simulated.do("security", "group", "rule", "create", "--protocol", "tcp", "--dst-port", "5432", "sql")
    rules = simulated.get("security", "group", "rule", "list", "sql")
    assert {rule["Port Range"] for rule in rules} == {"", "5432:5432"}
    simulated.do("security", "group", "set", "--name", "postgres", "sql")

    simulated.do(
        "port",
        "create",
        "--network",
        "backend",
        "--fixed-ip",
        "ip-address=192.0.2.7",
        "--security-group",
        "postgres",
        "db",
    )
    port = simulated.get("port", "show", "db")
    assert (port["status"], port["fixed_ips"][0]["ip_address"]) == ("DOWN", "192.0.2.7")
    simulated.do("port", "set", "--name", "db-1", "--no-security-group", "db")
    assert simulated.get("port", "show", "db-1")["security_group_ids"] == []

    create = ("server", "create", "--image", "tiny", "--flavor", "tiny", "--wait")
    simulated.do(*create, "--port", "db-1", "--network", "private", "one")
    addresses = simulated.get("server", "show", "one")["addresses"]
    assert addresses["backend"] == ["192.0.2.7"]
    assert addresses["private"][0].startswith("10.128.")
    backend = simulated.get("network", "show", "backend")["id"]
    simulated.do(*create, "--nic", f"net-id={backend},v4-fixed-ip=192.0.2.20", "two")
    assert simulated.get("server", "show", "two")["addresses"] == {"backend": ["192.0.2.20"]}
    listed = simulated.get("port", "list", "--network", "backend", "--server", "one")
    assert [each["Name"] for each in listed] == ["db-1"]

    for command in (("port", "delete", "db-1"), ("subnet", "delete", "back-1"), ("network", "delete", "backend")):
        refused = simulated.openstack(*command)
        assert refused.code != 0, command
        assert "409" in refused.errors or "ConflictException" in refused.errors, refused.errors
    simulated.do("server", "delete", "--wait", "one", "two")
    until(lambda: [each["Name"] for each in simulated.get("port", "list", "--network", "backend")] == ["db-1"])
    assert simulated.get("port", "show", "db-1")["status"] == "DOWN"
    simulated.do("port", "delete", "db-1")
    simulated.do("security", "group", "delete", "postgres")
    simulated.do("subnet", "delete", "back-1")
    simulated.do("network", "delete", "backend")
    assert [each["Name"] for each in simulated.get("network", "list")] == ["private"]


def test_what_the_stock_client_lists_of_what_there_is_none_of(simulated: Cloud) -> None:
    for command in (("floating", "ip", "list"), ("router", "list")):
        assert simulated.get(*command) == []
    assert simulated.openstack("network", "agent", "list", cloud="chronova-admin").code == 0
    assert "security-group" in [each["Alias"] for each in simulated.get("extension", "list", "--network")]
    (group,) = simulated.get("security", "group", "list")
    assert group["Name"] == "default"
    done = simulated.openstack("ip", "availability", "list", cloud="chronova-admin")
    assert (done.code, "private" in done.output) == (0, True), done.errors
