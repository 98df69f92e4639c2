"""Whether an image's bytes are what they are said to be."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.api.errors import Refusal
from services.api.image.formats import SIGNATURES, detected, virtual_size

GIB = 1 << 30
HEADER = 112


def qcow2(
    *,
    version: int = 3,
    backing: int = 0,
    crypt: int = 0,
    features: int = 0,
    size: int = GIB,
    extensions: bytes = b"",
) -> bytes:
    head = b"QFI\xfb" + version.to_bytes(4) + backing.to_bytes(8) + bytes(4) + (16).to_bytes(4)
    head += size.to_bytes(8) + crypt.to_bytes(4) + bytes(36) + features.to_bytes(8)
    return (head.ljust(100, b"\0") + HEADER.to_bytes(4) + bytes(HEADER - 104) + extensions).ljust(HEADER + 64, b"\0")


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(4) + len(content).to_bytes(4) + content.ljust((len(content) + 7) // 8 * 8, b"\0")


def with_field(at: int, value: int) -> bytes:
    head = bytearray(qcow2())
    head[at : at + 4] = value.to_bytes(4)
    return bytes(head)


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
        (qcow2(features=1 << 1), "corrupt"),
        (qcow2(extensions=extension(0x44415441, b"/etc/shadow")), "names another file"),
        (qcow2(extensions=extension(0x6803F857, bytes(48)) + extension(0xE2792ACA, b"raw")), "names another file"),
        (qcow2(extensions=extension(0x6803F857, bytes(70000))), "does not end"),
        (with_field(20, 60), "impossible clusters"),
        (with_field(36, 1 << 30), "larger than any disk needs"),
        (with_field(56, 1 << 20), "larger than any disk needs"),
        (with_field(60, 1 << 20), "more snapshots"),
        (with_field(100, 8), "impossible length"),
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


def test_a_known_extension_of_the_header_is_no_harm() -> None:
    assert virtual_size("qcow2", qcow2(extensions=extension(0x6803F857, bytes(48))), 200_000) == GIB


def changed(changes: list[tuple[int, bytes]]) -> bytes:
    head = bytearray(qcow2(extensions=extension(0x6803F857, bytes(24))))
    for at, new in changes:
        head[at : at + len(new)] = new
    return bytes(head)


heads = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda rest: b"QFI\xfb" + rest),
    st.lists(st.tuples(st.integers(4, 170), st.binary(min_size=1, max_size=8)), max_size=6).map(changed),
    st.sampled_from([magic.rjust(at + len(magic), b"\0") for signs in SIGNATURES.values() for at, magic in signs]),
)


@given(disk_format=st.sampled_from(["raw", "qcow2"]), head=heads, more=st.integers(0, 1 << 40))
@example("qcow2", b"QFI\xfb", 0)
@example("qcow2", qcow2(), 0)
def test_whatever_the_bytes_are_they_are_accepted_safely_or_refused_with_a_sentence(
    disk_format: str, head: bytes, more: int
) -> None:
    size = len(head) + more
    try:
        disk = virtual_size(disk_format, head, size)
    except Refusal as refusal:
        refused = refusal
    else:
        refused = None
    if refused is not None:
        assert (refused.status, refused.message[-1]) == (400, ".")
        return
    if disk_format == "raw":
        assert disk == size
        assert detected(head) is None
        return
    assert head.startswith(b"QFI\xfb")
    assert 0 < disk < 1 << 60
    assert int.from_bytes(head[8:16]) == 0  # no backing file
    assert int.from_bytes(head[32:36]) == 0  # not encrypted
    assert 9 <= int.from_bytes(head[20:24]) <= 21
    if int.from_bytes(head[4:8]) == 3:
        assert not int.from_bytes(head[72:80]) & 0b110  # neither corrupt nor with its data elsewhere
