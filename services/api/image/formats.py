"""Disk formats: whether an image's bytes are what they are said to be, and how large a disk the guest sees.

An image is opened on hosts: a qcow2 that names another file as its backing or its data would let a guest read it, and bytes
that are said to be raw but carry another format's header would do so as soon as anything guesses their format. So both are
refused here. Source: qcow2 specification (QEMU, docs/interop/qcow2), "Header".
"""

from collections.abc import Mapping

from services.api.errors import Refusal

HEAD_SIZE = 1 << 16
"""How many of an image's first bytes are enough to judge it."""

QCOW2 = b"QFI\xfb"
HEADER_V2 = 72  # bytes
HEADER_V3 = 104
EXTERNAL_DATA_FILE = 1 << 2
KNOWN_FEATURES = 0b11111
"""Incompatible features that the specification names: dirty, corrupt, external data, compression type, extended L2."""
CORRUPT = 1 << 1
LARGEST = 1 << 60  # bytes; no host has such a disk
CLUSTER_BITS = range(9, 22)  # 512 bytes to 2 MiB
LARGEST_L1 = 32 << 20  # bytes; what QEMU itself opens
LARGEST_REFCOUNTS = 8 << 20
MOST_SNAPSHOTS = 65536
DATA_FILE_NAME = 0x44415441
BACKING_FORMAT = 0xE2792ACA
END_OF_EXTENSIONS = 0
"""Header extensions, by their type. Source: the same, "Header extensions"."""

SIGNATURES: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    "qcow2": ((0, QCOW2),),
    "qed": ((0, b"QED\0"),),
    "vmdk": ((0, b"KDMV"), (0, b"COWD"), (0, b"# Disk DescriptorFile")),
    "vdi": ((0x40, b"\x7f\x10\xda\xbe"),),
    "vhd": ((0, b"conectix"),),
    "vhdx": ((0, b"vhdxfile"),),
    "luks": ((0, b"LUKS\xba\xbe"),),
    "parallels": ((0, b"WithoutFreeSpace"), (0, b"WithouFreSpacExt")),
    "bochs": ((0, b"Bochs Virtual HD Image"),),
    "cloop": ((0, b"#!/bin/sh\n#V2.0 Format\n"),),
}
"""Where each format says what it is."""


def virtual_size(disk_format: str, head: bytes, size: int) -> int:
    """How large a disk the guest sees, in bytes. Raises Refusal 400 when the bytes are not of the format, or not safe to use."""
    if size == 0:
        raise Refusal(400, "The image has no bytes.")
    if disk_format == "qcow2":
        return _qcow2(head)
    found = detected(head)
    if found is not None:
        raise Refusal(400, f"The image is said to be {disk_format}, but its bytes are those of a {found} image.")
    return size


def detected(head: bytes) -> str | None:
    """Which format the first bytes belong to; None for raw ones."""
    for name, signatures in SIGNATURES.items():
        if any(head[at : at + len(magic)] == magic for at, magic in signatures):
            return name
    return None


def _qcow2(head: bytes) -> int:
    if not head.startswith(QCOW2):
        raise Refusal(400, "The image is said to be qcow2, but its bytes are not those of a qcow2 image.")
    version = int.from_bytes(head[4:8])
    if version not in (2, 3) or len(head) < (HEADER_V2 if version == 2 else HEADER_V3):  # noqa: PLR2004
        raise Refusal(400, "The image is a qcow2 image of an unknown version, or cut short.")
    if int.from_bytes(head[8:16]):
        raise Refusal(400, "The image has a backing file: upload one that is complete in itself.")
    if int.from_bytes(head[32:36]):
        raise Refusal(400, "The image is encrypted: upload one that is not.")
    if version == 3:  # noqa: PLR2004
        features = int.from_bytes(head[72:80])
        if features & CORRUPT:
            raise Refusal(400, "The image is marked as corrupt: repair it, and upload it again.")
        if features & EXTERNAL_DATA_FILE:
            raise Refusal(400, "The image keeps its data in another file: upload one that is complete in itself.")
        if features & ~KNOWN_FEATURES:
            raise Refusal(400, "The image uses features of qcow2 that are not known here.")
        _require_no_reference(head)
    _require_bounds(head)
    size = int.from_bytes(head[24:32])
    if not 0 < size < LARGEST:
        raise Refusal(400, f"The image's disk has an impossible size: {size} bytes.")
    return size


def _require_bounds(head: bytes) -> None:
    """Tables as large as QEMU opens, so that nothing takes all of a host's memory. Raises Refusal 400."""
    cluster_bits, l1_entries = int.from_bytes(head[20:24]), int.from_bytes(head[36:40])
    if cluster_bits not in CLUSTER_BITS:
        raise Refusal(400, f"The image has impossible clusters: 2^{cluster_bits} bytes.")
    refcounts = int.from_bytes(head[56:60]) << cluster_bits
    if l1_entries * 8 > LARGEST_L1 or refcounts > LARGEST_REFCOUNTS:
        raise Refusal(400, "The image has tables that are larger than any disk needs.")
    if int.from_bytes(head[60:64]) > MOST_SNAPSHOTS:
        raise Refusal(400, "The image has more snapshots than can be.")


def _require_no_reference(head: bytes) -> None:
    """No header extension that names another file, whatever the header itself says. Raises Refusal 400."""
    at = int.from_bytes(head[100:104])
    if at < HEADER_V3 or at % 8:
        raise Refusal(400, "The image's header has an impossible length.")
    while at + 8 <= len(head):
        kind, length = int.from_bytes(head[at : at + 4]), int.from_bytes(head[at + 4 : at + 8])
        if kind == END_OF_EXTENSIONS:
            return
        if kind in (DATA_FILE_NAME, BACKING_FORMAT):
            raise Refusal(400, "The image's header names another file: upload one that is complete in itself.")
        at += 8 + (length + 7) // 8 * 8
    raise Refusal(400, "The image's header does not end where it should.")
