"""What a body of POST /servers asks for."""

import hashlib
from typing import Any

import pytest

from services.api.compute.create_request import (
    Wanted,
    WantedNetwork,
    hostname_from,
    wanted,
)
from services.api.errors import Refusal

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
NETWORK = "8e5bb1c0-0000-4000-8000-000000000000"
PORT = "3c8e5bb1-0000-4000-8000-000000000000"


def asked(**fields: Any) -> Wanted:
    return wanted({"server": {"name": "web", "flavorRef": "1", "imageRef": IMAGE, **fields}})


def refused(**fields: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as refusal:
        asked(**fields)
    return refusal.value.status, refusal.value.message


def test_one_server_keeps_its_name() -> None:
    one = asked()
    assert (one.count, one.name_of(0), one.hostname_of(0, "id")) == (1, "web", "web")


def test_several_servers_are_numbered_from_one() -> None:
    three = asked(min_count=1, max_count="3")
    assert [three.name_of(index) for index in range(three.count)] == ["web-1", "web-2", "web-3"]


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        ("web", "web"),
        ("Web Server_1", "web-server-1"),
        ("a.b", "a-b"),
        ("-x-", "x"),
        ("ü", ""),
        ("n" * 80, "n" * 63),
    ],
)
def test_a_host_name_is_made_of_the_name(name: str, hostname: str) -> None:
    assert hostname_from(name) == hostname


def test_a_server_whose_name_makes_no_host_name_is_called_by_its_id() -> None:
    assert asked(name="ü").hostname_of(0, "1234") == "server-1234"


def test_only_the_digest_of_user_data_is_for_the_log() -> None:
    assert asked(user_data="aGk=").user_data_sha256 == hashlib.sha256(b"aGk=").hexdigest()
    assert asked().user_data_sha256 is None


@pytest.mark.parametrize(
    ("networks", "meant"),
    [
        (None, None),
        ("auto", None),
        ([], None),
        ("none", ()),
        ([{"uuid": NETWORK}], (WantedNetwork(NETWORK),)),
        ([{"uuid": NETWORK, "fixed_ip": "10.0.0.5"}], (WantedNetwork(NETWORK, "10.0.0.5"),)),
        ([{"port": PORT}], (WantedNetwork(None, port_id=PORT),)),
    ],
)
def test_networks_are_named_or_left_to_the_cloud(networks: Any, meant: Any) -> None:
    assert asked(networks=networks).networks == meant


def test_the_image_as_a_local_root_disk_says_nothing_new() -> None:
    disk = {"uuid": IMAGE, "source_type": "image", "destination_type": "local", "boot_index": 0}
    assert asked(block_device_mapping_v2=[disk]).image_id == IMAGE
    assert asked(imageRef="", block_device_mapping_v2=[disk]).image_id == IMAGE


@pytest.mark.parametrize(
    "device",
    [
        {"uuid": IMAGE, "source_type": "volume", "destination_type": "volume", "boot_index": 0},
        {"uuid": IMAGE, "source_type": "image", "destination_type": "volume", "boot_index": 0},
        {"uuid": NETWORK, "source_type": "image", "destination_type": "local", "boot_index": 0},
        {"uuid": IMAGE, "source_type": "image", "destination_type": "local", "boot_index": 1},
        {"source_type": "blank", "destination_type": "local", "boot_index": -1, "guest_format": "swap"},
    ],
)
def test_other_disks_are_refused(device: dict[str, Any]) -> None:
    status, sentence = refused(block_device_mapping_v2=[device])
    assert status == 400
    assert sentence.startswith("Block Device Mapping is Invalid: this cloud has no volumes")


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"imageRef": ""}, 400, "Missing imageRef attribute"),
        (
            {"availability_zone": "a:b:c:d"},
            400,
            "Unable to parse availability_zone: it is ZONE, or ZONE:HOST, and a host has one name here.",
        ),
        ({"min_count": 3, "max_count": 2}, 400, "min_count must be <= max_count"),
        ({"networks": [{"uuid": "x"}]}, 400, "Bad networks format: network uuid is not in proper format (x)"),
        (
            {"networks": [{"uuid": NETWORK, "fixed_ip": "10.0.0.5"}], "max_count": 2},
            400,
            "Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.",
        ),
        ({"networks": [{"port": PORT}, {"port": PORT}]}, 400, f"Port {PORT} is named more than once."),
        (
            {"networks": [{"port": PORT}], "max_count": 2},
            400,
            (
                "Failed to launch multiple instances with a single configured port ID. Please launch your instance one "
                "by one with different ports."
            ),
        ),
        (
            {"networks": [{"port": PORT, "fixed_ip": "10.0.0.5"}]},
            400,
            f"Specified Fixed IP '10.0.0.5' cannot be used with port '{PORT}': the two cannot be specified together.",
        ),
        ({"hostname": "web", "max_count": 2}, 400, "Unable to allocate a single hostname to multiple instances"),
        ({"security_groups": [{"name": "web"}]}, 400, "Security group web not found for project."),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], status: int, sentence: str) -> None:
    assert refused(**fields) == (status, sentence)


@pytest.mark.parametrize(
    "fields",
    [
        {"os:scheduler_hints": {"query": "[]"}},
        {"networks": [{"uuid": NETWORK, "tag": "x"}]},
        {"personality": [{"path": "/a", "contents": ""}]},
        {"trusted_image_certificates": ["a"]},
    ],
)
def test_what_is_not_built_is_refused_and_not_ignored(fields: dict[str, Any]) -> None:
    status, sentence = refused(**fields)
    assert status == 501
    assert sentence.startswith("This cloud cannot")


def test_what_is_not_built_may_be_left_empty() -> None:
    asked(personality=[], block_device_mapping=[], block_device_mapping_v2=[], **{"os:scheduler_hints": {}})


@pytest.mark.parametrize(
    ("fields", "zone", "host"),
    [
        ({}, None, None),
        ({"availability_zone": "east"}, "east", None),
        ({"availability_zone": "east:host-1"}, "east", "host-1"),
        ({"availability_zone": "nova:host-1:host-1"}, "nova", "host-1"),
        ({"availability_zone": ":host-1"}, None, "host-1"),
        ({"host": "host-1", "hypervisor_hostname": "host-1"}, None, "host-1"),
    ],
)
def test_a_zone_and_a_host_can_be_named(fields: dict[str, Any], zone: str | None, host: str | None) -> None:
    wanted = asked(**fields)
    assert (wanted.zone, wanted.host) == (zone, host)
