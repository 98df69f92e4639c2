"""Where a host's libvirt keeps things: as the host sees it, and as QEMU sees it from inside the mount namespace.

Everything lasting lies below one directory, the root. It may lie below a home directory that only root can enter, so an
unprivileged QEMU reaches it another way: the namespace has the root's parts bound over libvirt's own directories.

What must not outlive the machine's uptime (sockets, pids, libvirt's notes on running guests) lies in `/run`, at a path
short enough for a unix socket (108 bytes, unix(7)) however deep the root is.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.compute.hypervisor import HypervisorError

LIBVIRT_RUN = Path("/run/libvirt")
LIBVIRT_LIB = Path("/var/lib/libvirt")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one host's libvirt."""

    root: Path

    @property
    def run(self) -> Path:
        """What lasts as long as the machine is up. The name is the root's digest: one directory for each root."""
        digest = hashlib.sha256(bytes(self.root.resolve())).hexdigest()[:12]
        return Path("/run") / f"chronova-{digest}"

    @property
    def binds(self) -> dict[Path, Path]:
        """Libvirt's own directory → what lies over it in the namespace."""
        return {
            LIBVIRT_RUN: self.run / "libvirt",
            LIBVIRT_LIB: self.root / "lib",
            Path("/var/cache/libvirt"): self.root / "cache",
            Path("/var/log/libvirt"): self.root / "log",
            Path("/etc/libvirt"): self.root / "etc",
        }

    @property
    def socket(self) -> Path:
        """The daemon's socket."""
        return self.run / "libvirt" / "libvirt-sock"

    @property
    def uri(self) -> str:
        """What libvirt's clients connect to, virsh too, from outside the namespace."""
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def ready(self) -> Path:
        """Holds the keeper's pid from when the daemon answers until the keeper begins to stop."""
        return self.run / "ready"

    @property
    def lock(self) -> Path:
        """Held by the keeper as long as it lives."""
        return self.root / "lock"

    @property
    def own(self) -> Path:
        """What Chronova, not libvirt, keeps."""
        return self.root / "lib" / "chronova"

    @property
    def images(self) -> Path:
        """Where image files must lie, so that QEMU can read them."""
        return self.own / "images"

    @property
    def instances(self) -> Path:
        """One directory a guest."""
        return self.own / "instances"

    @property
    def networks(self) -> Path:
        """One directory a network, named as its bridge."""
        return self.own / "networks"

    @property
    def qemu_logs(self) -> Path:
        """Where libvirt logs what QEMU complains of, one file a guest."""
        return self.root / "log" / "qemu"

    def instance(self, instance_id: str) -> Path:
        """All files of one guest. Raises HypervisorError when the id is none that a path may be made of."""
        try:
            if str(UUID(instance_id)) == instance_id:
                return self.instances / instance_id
        except ValueError:
            pass
        raise HypervisorError(f"{instance_id!r} is not an instance's id.")

    def inside(self, path: Path) -> Path:
        """A path below `own` as QEMU and libvirt see it. Raises ValueError when it is not below."""
        return LIBVIRT_LIB / "chronova" / path.relative_to(self.own)

    def make(self) -> None:
        """Make the directories. Raises OSError."""
        for private in (self.root, self.run):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
            private.chmod(0o700)
        for open_to_qemu in (*self.binds.values(), self.own, self.images, self.instances, self.networks):
            open_to_qemu.mkdir(exist_ok=True)
            open_to_qemu.chmod(0o755)
