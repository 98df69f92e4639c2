"""Which user the guests' QEMU processes run as: an unprivileged one of their own, where the machine has it."""

import pwd
from dataclasses import dataclass

NAME = "chronova-qemu"


@dataclass(frozen=True, slots=True)
class QemuUser:
    """A user and its main group, by number."""

    uid: int
    gid: int

    @property
    def is_root(self) -> bool:
        """Whether a guest that breaks out of QEMU would own the machine."""
        return self.uid == 0


def qemu_user() -> QemuUser:
    """`chronova-qemu` if there is such a user, else root."""
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return QemuUser(0, 0)
    return QemuUser(entry.pw_uid, entry.pw_gid)
