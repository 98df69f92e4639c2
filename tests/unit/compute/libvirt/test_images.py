"""Images are strangers' files."""

import struct
from pathlib import Path

import pytest

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.images import ImageFacts, inspect_image


def qcow2(*, version: int = 3, backing: int = 0, size: int = 1 << 20, encryption: int = 0, features: int = 0) -> bytes:
    head = struct.pack(">4sIQIIQI", b"QFI\xfb", version, backing, 0, 16, size, encryption)
    return head.ljust(72, b"\0") + struct.pack(">Q", features) + bytes(424)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "image"


@pytest.mark.parametrize(
    ("claimed", "content", "facts"),
    [
        ("qcow2", qcow2(), ImageFacts("qcow2", 1 << 20)),
        ("qcow2", qcow2(version=2), ImageFacts("qcow2", 1 << 20)),
        ("raw", bytes(1024), ImageFacts("raw", 1024)),
        ("raw", bytes(1000), ImageFacts("raw", 1024)),
    ],
)
def test_what_an_image_is(image: Path, claimed: str, content: bytes, facts: ImageFacts) -> None:
    image.write_bytes(content)
    assert inspect_image(image, claimed) == facts


@pytest.mark.parametrize(
    ("claimed", "content", "why"),
    [
        ("qcow2", b"garbage" * 100, "no qcow2 header"),
        ("qcow2", b"QFI\xfb", "no qcow2 header"),
        ("qcow2", b"", "no qcow2 header"),
        ("qcow2", qcow2(backing=512), "backing file"),
        ("qcow2", qcow2(features=1 << 2), "another file"),
        ("qcow2", qcow2(encryption=1), "encrypted"),
        ("qcow2", qcow2(size=0), "no sensible size"),
        ("qcow2", qcow2(size=1 << 62), "no sensible size"),
        ("raw", qcow2(), "not the raw disk"),
        ("raw", b"KDMV" + bytes(508), "not the raw disk"),
        ("raw", b"# Disk DescriptorFile\n", "not the raw disk"),
        ("raw", b"", "empty"),
        ("vmdk", b"KDMV" + bytes(508), "convert it to qcow2 or raw"),
    ],
)
def test_what_is_refused(image: Path, claimed: str, content: bytes, why: str) -> None:
    image.write_bytes(content)
    with pytest.raises(HypervisorError, match=why):
        inspect_image(image, claimed)


def test_an_image_that_is_not_there(image: Path) -> None:
    with pytest.raises(HypervisorError, match="cannot be read"):
        inspect_image(image, "raw")
