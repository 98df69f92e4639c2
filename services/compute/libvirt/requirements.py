"""What the machine must have before guests can run on it."""

import os
import shutil

from services.compute.hypervisor import HypervisorError

PACKAGES = {
    "libvirtd": "libvirt-daemon",
    "virtlogd": "libvirt-daemon",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "iptables": "iptables",
    "prlimit": "util-linux",
}
"""Command → the Debian package that brings it."""


def require_root() -> None:
    """Raises HypervisorError when this process may not make namespaces, bridges and guests."""
    if os.geteuid() != 0:
        raise HypervisorError("Running guests needs root: start it as root, or use the simulated hypervisor.")


def require_commands() -> dict[str, str]:
    """Where each command is. Raises HypervisorError that names what is missing."""
    found = {command: shutil.which(command, path=_search_path()) for command in PACKAGES}
    missing = sorted(command for command, path in found.items() if path is None)
    if missing:
        packages = " ".join(sorted({PACKAGES[command] for command in missing}))
        raise HypervisorError(f"Not installed: {', '.join(missing)}. On Debian: apt-get install {packages}")
    return {command: path for command, path in found.items() if path is not None}


def _search_path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
