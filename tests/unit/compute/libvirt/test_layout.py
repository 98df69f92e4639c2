"""Where things lie, inside the namespace and outside of it."""

from pathlib import Path

import pytest

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.layout import Layout
from tests.unit.compute.libvirt.guests import ID

LAYOUT = Layout(Path("/data/hosts/one/libvirt"))


def test_a_guests_files_as_qemu_sees_them() -> None:
    outside = LAYOUT.instance(ID) / "disk.qcow2"
    assert outside == Path(f"/data/hosts/one/libvirt/lib/chronova/instances/{ID}/disk.qcow2")
    assert LAYOUT.inside(outside) == Path(f"/var/lib/libvirt/chronova/instances/{ID}/disk.qcow2")


def test_what_qemu_cannot_see_has_no_inside() -> None:
    with pytest.raises(ValueError, match="not in the subpath"):
        LAYOUT.inside(Path("/etc/passwd"))


@pytest.mark.parametrize("wrong", ["", "..", "../../etc", ID.upper(), f"{ID}/..", "{" + ID + "}", ID.replace("-", "")])
def test_only_an_id_is_made_a_path_of(wrong: str) -> None:
    with pytest.raises(HypervisorError, match="not an instance's id"):
        LAYOUT.instance(wrong)


def test_each_root_has_a_socket_of_its_own_with_a_short_name() -> None:
    deep = Layout(Path("/", *["deep"] * 60))
    assert len(bytes(deep.socket)) < 108
    assert deep.socket != LAYOUT.socket
    assert LAYOUT.uri == f"qemu+unix:///system?socket={LAYOUT.socket}"
