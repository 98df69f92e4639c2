"""The daemons' settings, written anew at every start, so that they are always those of this version."""

import shutil
from pathlib import Path
from uuid import uuid4

from services.compute.libvirt.layout import Layout
from services.compute.libvirt.qemu_user import QemuUser

CONSOLE_BYTES = 1 << 20  # what a console log may hold before virtlogd begins a new file
CONSOLE_FILES = 1  # older files that are kept

LIBVIRTD = """\
host_uuid = "{host_uuid}"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

# Files are given to the QEMU user when they are made, and libvirt changes no ownership: it would give the user the cached
# base images too, which nobody may write to.
QEMU = """\
user = "+{uid}"
group = "+{gid}"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "logd"
max_core = 0
"""

VIRTLOGD = """\
max_size = {console_bytes}
max_backups = {console_files}
log_outputs = "3:file:/var/log/libvirt/virtlogd.log"
"""


def write_settings(layout: Layout, user: QemuUser) -> None:
    """Write them all. Raises OSError."""
    etc = layout.root / "etc"
    (etc / "libvirtd.conf").write_text(LIBVIRTD.format(host_uuid=_host_uuid(layout)))
    (etc / "qemu.conf").write_text(QEMU.format(uid=user.uid, gid=user.gid))
    (etc / "virtlogd.conf").write_text(VIRTLOGD.format(console_bytes=CONSOLE_BYTES, console_files=CONSOLE_FILES))
    filters = etc / "nwfilter"
    packaged = Path("/usr/share/libvirt/nwfilter")
    if packaged.is_dir() and not filters.exists():
        shutil.copytree(packaged, filters)


def _host_uuid(layout: Layout) -> str:
    """The host's identity for libvirt: made once, because several hosts on one machine must differ."""
    path = layout.root / "host-uuid"
    if not path.exists():
        path.write_text(str(uuid4()))
    return path.read_text().strip()
