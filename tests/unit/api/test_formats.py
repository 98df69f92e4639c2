"""Whether an image's bytes are what they are said to be."""

import pytest

from services.api.errors import Refusal
from services.api.image.formats import virtual_size

GIB = 1 << 30


def qcow2(*, version: int = 3, backing: int = 0, crypt: int = 0, features: int = 0, size: int = GIB) -> bytes:
    head = b"QFI\xfb" + version.to_bytes(4) + backing.to_bytes(8) + bytes(4) + (16).to_bytes(4)
    return (head + size.to_bytes(8) + crypt.to_bytes(4) + bytes(36) + features.to_bytes(8)).ljust(112, b"\0")


def test_the_size_of_a_qcow2_disk_is_read_from_its_header() -> None:
    assert virtual_size("qcow2", qcow2(size=5 * GIB), 200_000) == 5 * GIB
    assert virtual_size("qcow2", qcow2(version=2), 200_000) == GIB


def test_a_raw_disk_is_as_large_as_its_file() -> None:
    assert virtual_size("raw", b"\xeb\x63\x90" + bytes(600), 4096) == 4096


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (qcow2(backing=512), "backing file"),
        (qcow2(features=1 << 2), "another file"),
        (qcow2(features=1 << 9), "not known"),
        (qcow2(crypt=1), "encrypted"),
        (qcow2(version=4), "unknown version"),
        (qcow2()[:60], "cut short"),
        (qcow2(size=0), "impossible size"),
        (qcow2(size=1 << 62), "impossible size"),
        (bytes(112), "not those of a qcow2 image"),
    ],
)
def test_a_qcow2_image_that_is_none_or_not_safe_is_refused(head: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refused:
        virtual_size("qcow2", head, 200_000)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (qcow2(), "qcow2"),
        (b"KDMV" + bytes(600), "vmdk"),
        (b"# Disk DescriptorFile\nversion=1\n", "vmdk"),
        (bytes(0x40) + b"\x7f\x10\xda\xbe" + bytes(600), "vdi"),
        (b"vhdxfile" + bytes(600), "vhdx"),
        (b"conectix" + bytes(600), "vhd"),
        (b"QED\0" + bytes(600), "qed"),
        (b"LUKS\xba\xbe" + bytes(600), "luks"),
    ],
)
def test_bytes_of_another_format_are_not_raw(head: bytes, name: str) -> None:
    with pytest.raises(Refusal, match=name):
        virtual_size("raw", head, 200_000)


def test_an_image_has_bytes() -> None:
    with pytest.raises(Refusal, match="no bytes"):
        virtual_size("raw", b"", 0)
