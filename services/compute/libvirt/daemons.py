"""The daemons that the keeper runs: started by it, or taken over from a keeper that was killed, and watched."""

import os
import select
import signal
import time
from pathlib import Path

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before a daemon that died is started again
SETTLED = 30.0  # seconds after which a daemon counts as running well


class Daemon:
    """One daemon in the foreground, in a session of its own: a Ctrl-C for the keeper is not for the daemon."""

    def __init__(self, name: str, command: list[str], output: Path) -> None:
        self.name = name
        self.handle: int | None = None  # pidfd
        self._command = command
        self._output = output
        self._since = 0.0
        self._pause = FIRST_PAUSE

    def start(self) -> None:
        """Start it. Raises OSError."""
        # English messages: what libvirt says is translated for users by matching it.
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        pid = os.posix_spawn(
            self._command[0],
            self._command,
            environment,
            setsid=True,
            setsigdef=[signal.SIGPIPE],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._output), write, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        self.watch(pid)

    def watch(self, pid: int) -> None:
        """Take it as it runs. Raises ProcessLookupError when it has ended."""
        if self.handle is not None:
            os.close(self.handle)
        self.handle = os.pidfd_open(pid)
        self._since = time.monotonic()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.handle is not None and not select.select([self.handle], [], [], 0)[0]

    def pause(self) -> float:
        """How long to wait before the next start: longer each time that it dies young, in seconds."""
        if time.monotonic() - self._since > SETTLED:
            self._pause = FIRST_PAUSE
        pause, self._pause = self._pause, min(LONGEST_PAUSE, self._pause * 2)
        return pause

    def last_words(self) -> str:
        """The end of what it wrote, in one line."""
        try:
            lines = self._output.read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return " / ".join(line.strip() for line in lines[-6:] if line.strip())
