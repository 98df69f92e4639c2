"""Image files: is it what it claims to be, and harmless to open?

An image is a stranger's file. A qcow2 header may name other files of the host as its backing or data file, so the header is
read here before any program of QEMU's is let near the image. Source: QEMU's `docs/interop/qcow2.txt`.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from services.compute.hypervisor import HypervisorError

QCOW2 = b"QFI\xfb"
CONTAINERS = (QCOW2, b"KDMV", b"COWD", b"# Disk DescriptorFile", b"vhdxfile", b"conectix", b"QED\0", b"LUKS\xba\xbe")
"""How files begin that are no raw images, whatever is claimed of them."""

HEADER = struct.Struct(">4sIQIIQI")  # magic, version, backing offset and size, cluster bits, virtual size, encryption
FEATURES = struct.Struct(">Q")  # from byte 72, version 3 only
EXTERNAL_DATA_FILE = 1 << 2
SECTOR = 512  # bytes
MOST = 1 << 50  # bytes: no disk of ours is larger


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image that may be used."""

    disk_format: str  # raw | qcow2
    virtual_size: int  # bytes: of the disk that the guest sees


def inspect_image(path: Path, claimed: str) -> ImageFacts:
    """What the image is. Raises HypervisorError when it is not what is claimed, or must not be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(104)
        length = path.stat().st_size
    except OSError as error:
        raise HypervisorError(f"The image cannot be read: {error.strerror}.") from error
    match claimed:
        case "raw":
            if head.startswith(CONTAINERS):
                raise HypervisorError(
                    "The image is not the raw disk that it is said to be: it has another format's header."
                )
            if length == 0:
                raise HypervisorError("The image is empty.")
            return ImageFacts("raw", -(-length // SECTOR) * SECTOR)
        case "qcow2":
            return ImageFacts("qcow2", _qcow2_size(head))
        case _:
            raise HypervisorError(f"Images of the format {claimed!r} cannot be run: convert it to qcow2 or raw.")


def _qcow2_size(head: bytes) -> int:
    if len(head) < HEADER.size or not head.startswith(QCOW2):
        raise HypervisorError("The image is damaged: it has no qcow2 header.")
    _magic, version, backing, _, _, size, encryption = HEADER.unpack_from(head)
    features = FEATURES.unpack_from(head, 72)[0] if version >= 3 and len(head) >= 80 else 0  # noqa: PLR2004 -- qcow2 v3
    if backing:
        raise HypervisorError(
            "The image refers to a backing file: flatten it with `qemu-img convert` and upload it again."
        )
    if features & EXTERNAL_DATA_FILE:
        raise HypervisorError(
            "The image keeps its data in another file: convert it with `qemu-img convert` and upload it again."
        )
    if encryption:
        raise HypervisorError("The image is encrypted: it cannot be run.")
    if not 0 < size <= MOST:
        raise HypervisorError("The image is damaged: its header gives no sensible size.")
    return int(size)
