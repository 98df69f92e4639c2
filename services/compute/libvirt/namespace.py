"""A mount namespace in which libvirt's directories are this host's own. Network and processes stay the machine's.

Source: mount_namespaces(7), mount(2).
"""

import ctypes
import grp
import os
import pwd
import socket
import stat
from pathlib import Path

from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.qemu_user import QemuUser

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 0x1, 0x20, 0x1000, 0x4000, 0x80000
MNT_DETACH = 2
KVM = Path("/dev/kvm")
BUILT_IN = "libvirt-qemu"  # on Debian and its relatives

_libc = ctypes.CDLL(None, use_errno=True)


def enter(layout: Layout, accelerator: Accelerator, user: QemuUser) -> None:
    """Move this process, which must have one thread only, into a new namespace. Raises OSError."""
    for target in layout.binds:
        # Empty directories, where the machine lacks them. They are left there: to remove one would take away what another
        # region has mounted over it in its own namespace.
        target.mkdir(parents=True, exist_ok=True)
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    # A slave hears of the machine's later mounts and, what matters more, holds none of them busy; nothing goes back.
    _mount(None, Path("/"), None, MS_REC | MS_SLAVE)
    for target, source in layout.binds.items():
        _bind(source, target)
    if KVM.exists():
        if accelerator is Accelerator.KVM:
            _open_kvm(layout, user)
        else:
            _hide_kvm(layout)


def complete(layout: Layout, user: QemuUser) -> None:
    """Add what libvirt looks up by name and the machine may lack. Raises OSError.

    To be called before every start of the daemon: a change to one of the machine's files takes what lies over it away.

    - The machine's own name: a resolver that does not know it costs 10 s a guest.
    - The user and group that libvirt was built to run QEMU as: it does not start without them, although it is told to run
      QEMU as another. On Debian only the package for a system-wide libvirt makes them.
    """
    name = socket.gethostname()
    _add(layout, Path("/etc/hosts"), f"127.0.1.1 {name}", there=_resolves(name))
    _add(layout, Path("/etc/passwd"), f"{BUILT_IN}:x:{user.uid}:{user.gid}::/nonexistent:/bin/false", there=_is_user())
    _add(layout, Path("/etc/group"), f"{BUILT_IN}:x:{user.gid}:", there=_is_group())


def _add(layout: Layout, path: Path, line: str, *, there: bool) -> None:
    """Lay a copy with one line more over a file of the machine."""
    if there or not path.exists():
        return
    own = layout.run / path.name
    own.write_text(f"{path.read_text().rstrip()}\n{line}\n")
    own.chmod(0o644)
    _bind(own, path.resolve())


def _resolves(name: str) -> bool:
    hosts = Path("/etc/hosts")
    return hosts.exists() and any(name in line.split("#")[0].split()[1:] for line in hosts.read_text().splitlines())


def _is_user() -> bool:
    try:
        pwd.getpwnam(BUILT_IN)
    except KeyError:
        return False
    return True


def _is_group() -> bool:
    try:
        grp.getgrnam(BUILT_IN)
    except KeyError:
        return False
    return True


def _hide_kvm(layout: Layout) -> None:
    """Make KVM unusable for everybody, root included.

    Where KVM looks accessible but QEMU cannot use it, libvirt asks QEMU for its abilities again at every look-up (32 s to
    define a guest). A read-only file in its place is accessible to nobody.
    """
    nothing = layout.run / "no-kvm"
    nothing.touch()
    _bind(nothing, KVM)
    _mount(None, KVM, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def _open_kvm(layout: Layout, user: QemuUser) -> None:
    """Give the QEMU user a node of its own, and leave the machine's as it is."""
    devices = layout.run / "dev"
    devices.mkdir(exist_ok=True)
    _mount(Path("tmpfs"), devices, "tmpfs", 0)
    node = devices / "kvm"
    os.mknod(node, stat.S_IFCHR | 0o600, KVM.stat().st_rdev)
    os.chown(node, user.uid, user.gid)
    _bind(node, KVM)
    _check(_libc.umount2(os.fsencode(devices), MNT_DETACH), str(devices))  # the node stays, held by what lies over KVM
    devices.rmdir()


def _bind(source: Path, target: Path) -> None:
    _mount(source, target, None, MS_BIND)


def _mount(source: Path | None, target: Path, kind: str | None, flags: int) -> None:
    answer = _libc.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None,
    )
    _check(answer, str(target))


def _check(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
