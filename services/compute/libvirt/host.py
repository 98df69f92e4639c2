"""What the host has to give."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import libvirt
from lxml import etree

from services.compute.hypervisor import Inventory
from services.compute.libvirt.accelerator import Accelerator

GIB = 1 << 30


def host_inventory(connection: Any, root: Path, accelerator: Accelerator) -> Inventory:
    """Processors and memory of the machine, and the file system that the guests' disks lie on. Raises libvirtError, OSError."""
    arch, _memory, vcpus, *_ = connection.getInfo()  # its memory leaves out what was plugged in later
    memory_kib = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]
    capabilities = etree.fromstring(connection.getCapabilities().encode())
    disk = os.statvfs(root)
    return Inventory(
        vcpus=int(vcpus),
        memory_mib=int(memory_kib) // 1024,
        disk_gib=(disk.f_bavail * disk.f_frsize + _taken_by(root)) // GIB,
        hypervisor_type=accelerator.name,
        hypervisor_version=int(connection.getVersion()),
        cpu_arch=str(arch),
        cpu_model=capabilities.findtext("host/cpu/model") or "unknown",
    )


def _taken_by(root: Path) -> int:
    """Bytes that our own guests have on the file system: with what is free, all that guests may have. The rest is others'."""
    taken = 0
    for path in root.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it was removed while we looked
            found = path.lstat()
            taken += found.st_blocks * 512 if stat.S_ISREG(found.st_mode) else 0
    return taken
