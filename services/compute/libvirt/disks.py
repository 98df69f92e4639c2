"""The guest's disk: a thin qcow2 layer over a cached image, to which nothing is ever written."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.errors import meaning
from services.compute.libvirt.images import ImageFacts, inspect_image
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.qemu_user import QemuUser

FILE = "disk.qcow2"
GIB = 1 << 30
LIMITS = (
    "prlimit",
    f"--as={GIB}",
    "--cpu=30",
    "--core=0",
    "--",
)  # an image may be made to use up a host's memory or time
PATIENCE = 60.0  # seconds
COPYING = 3600.0  # seconds that the copy of a whole disk may take


async def make_disk(layout: Layout, instance_id: str, image: Path, claimed: str, *, gib: int, user: QemuUser) -> Path:
    """Make the guest's disk over an image, `gib` large (0: as the image is); its path.

    Raises HypervisorError when the image is damaged, dangerous or too large, or the disk is full.
    """
    backing = _way_to(image, layout)
    facts = await asyncio.to_thread(inspect_image, image, claimed)
    await _check(image, facts)
    wanted = gib * GIB or facts.virtual_size
    if wanted < facts.virtual_size:
        needed = -(-facts.virtual_size // GIB)
        raise HypervisorError(
            f"The image needs a disk of {needed} GiB, and the flavor's has {gib}: use a larger flavor."
        )
    path = layout.instance(instance_id) / FILE
    await _qemu_img("create", "-q", "-f", "qcow2", "-F", facts.disk_format, "-b", backing, str(path), str(wanted))
    path.chmod(0o600)
    os.chown(path, user.uid, user.gid)
    return path


async def flat_copy(layout: Layout, instance_id: str, disk_format: str) -> Path:
    """A copy of the guest's disk that is complete in itself, for the caller to remove. Raises HypervisorError."""
    directory = layout.instance(instance_id)
    path = directory / f"export.{disk_format}"
    disk = str(directory / FILE)
    await _qemu_img("convert", "-q", "-f", "qcow2", "-O", disk_format, disk, str(path), limits=(), patience=COPYING)
    return path


def _way_to(image: Path, layout: Layout) -> str:
    """The way to the image as a disk notes it: relative, so that it is right inside the namespace and outside of it."""
    try:
        below = image.resolve().relative_to(layout.images.resolve())
    except ValueError:
        raise HypervisorError(
            f"The image {image} does not lie below {layout.images}, where QEMU can read it."
        ) from None
    return str(Path("..", "..", "images", below))


async def _check(image: Path, facts: ImageFacts) -> None:
    """Have QEMU itself read the image's header: what it cannot read, no guest can boot from."""
    seen = orjson.loads(await _qemu_img("info", "-f", facts.disk_format, "--output=json", str(image)))
    details = seen.get("format-specific", {}).get("data", {})
    if "backing-filename" in seen or "data-file" in details or seen.get("encrypted"):
        raise HypervisorError(
            "The image refers to other files: flatten it with `qemu-img convert` and upload it again."
        )
    if details.get("corrupt"):
        raise HypervisorError("The image is damaged: it is marked as corrupt.")


async def _qemu_img(*arguments: str, limits: Sequence[str] = LIMITS, patience: float = PATIENCE) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *limits,
        "qemu-img",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )
    try:
        output, complaint = await asyncio.wait_for(process.communicate(), patience)
    except TimeoutError:
        raise HypervisorError(f"qemu-img {arguments[0]} took more than {patience:.0f} s and was ended.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = complaint.decode(errors="replace").strip() or f"exit code {process.returncode}"
        unknown = HypervisorError(f"The image is damaged, or QEMU does not know its kind: qemu-img says {said!r}.")
        raise meaning(None, said) or unknown
    return output
