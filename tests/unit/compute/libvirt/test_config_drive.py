"""What a guest learns of itself."""

import base64
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from pycdlib import PyCdlib

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.config_drive import config_drive, contents
from tests.unit.compute.libvirt.golden import assert_golden
from tests.unit.compute.libvirt.guests import GUEST, NIC


def read(image: bytes, path: str) -> bytes:
    """A file as a guest finds it."""
    drive, found = PyCdlib(), io.BytesIO()
    drive.open_fp(io.BytesIO(image))
    try:
        drive.get_file_from_iso_fp(found, rr_path=path)
    finally:
        drive.close()
    return found.getvalue()


def document(name: str, **changes: Any) -> Any:
    return json.loads(contents(replace(GUEST, **changes))[name])


def test_the_drive_is_found_by_its_label_and_read_by_its_long_names() -> None:
    image = config_drive(replace(GUEST, user_data=base64.b64encode(b"#!/bin/sh\n").decode()))

    assert image[32808:32840].decode().strip() == "config-2"  # the volume's name, ECMA-119 8.4.7
    for version in ("latest", "2018-08-27"):
        assert json.loads(read(image, f"/openstack/{version}/meta_data.json"))["uuid"] == GUEST.id
        assert read(image, f"/openstack/{version}/user_data") == b"#!/bin/sh\n"


@pytest.mark.parametrize("name", ["meta_data.json", "network_data.json"])
def test_what_the_drive_says(name: str) -> None:
    assert_golden(name, json.dumps(document(name), indent=1, sort_keys=True) + "\n")


def test_a_password_is_there_only_when_there_is_one() -> None:
    assert "admin_pass" not in document("meta_data.json")
    word = "of the guest"
    assert document("meta_data.json", admin_password=word)["admin_pass"] == word


def test_name_servers_are_named_once() -> None:
    nics = (replace(NIC, dns=("9.9.9.9", "1.1.1.1")), replace(NIC, dns=("9.9.9.9",)))
    services = document("network_data.json", nics=nics)["services"]
    assert [service["address"] for service in services] == ["9.9.9.9", "1.1.1.1"]


def test_there_is_no_user_data_unless_it_was_given_and_it_may_be_bytes() -> None:
    assert "user_data" not in contents(GUEST)
    assert contents(replace(GUEST, user_data=base64.b64encode(b"\x1f\x8b\0").decode()))["user_data"] == b"\x1f\x8b\0"


def test_user_data_that_is_not_base64_is_refused() -> None:
    with pytest.raises(HypervisorError, match="not base64"):
        contents(replace(GUEST, user_data="#!/bin/sh"))
