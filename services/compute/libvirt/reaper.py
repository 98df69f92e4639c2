"""The reaper: wakes the keeper at signals, and lets no process that it has inherited linger as a zombie.

Libvirt lets QEMU and dnsmasq run on as orphans, and after it has told one to end it looks until its pid is gone. A PID 1
that reaps slowly, as in many containers, makes that take more than a second, or fail. So the keeper adopts them
(PR_SET_CHILD_SUBREAPER, prctl(2)) and reaps them at once.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
from collections.abc import Sequence
from types import FrameType

PR_SET_CHILD_SUBREAPER = 36


class Reaper:
    """To be made once, in the main thread."""

    def __init__(self) -> None:
        self.told_to_stop = False
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wakes, writes = socket.socketpair()
        for end in (self._wakes, writes):
            end.setblocking(False)
        self._writes = writes
        signal.set_wakeup_fd(writes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def wait(self, seconds: float, handles: Sequence[int] = ()) -> None:
        """Sleep until a signal comes, one of these handles is readable, or the time is over; and reap."""
        select.select([self._wakes.fileno(), *handles], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._wakes.recv(4096)
        reap()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.told_to_stop = True


def reap() -> None:
    """Take note of all children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return
