"""The keeper: starts a host's daemons in their namespace, keeps them running, and in the end leaves nothing behind."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import libvirt

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt import namespace
from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.daemons import Daemon
from services.compute.libvirt.errors import translated
from services.compute.libvirt.firewall import machine_lock
from services.compute.libvirt.layout import LIBVIRT_RUN, Layout
from services.compute.libvirt.processes import end, own_processes
from services.compute.libvirt.qemu_user import NAME, qemu_user
from services.compute.libvirt.reaper import Reaper
from services.compute.libvirt.requirements import require_commands, require_root
from services.compute.libvirt.settings import write_settings
from services.compute.libvirt.tidy import power_off, remove_traces

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_PATIENCE = 30.0  # seconds until the daemon must answer
STOP_PATIENCE = 40.0  # seconds that guests may take to be powered off, before their processes are ended


class Keeper:
    """One host's daemons, from start to stop. To be made once in a process, in its main thread."""

    def __init__(self, layout: Layout, accelerator: Accelerator) -> None:
        """Raises HypervisorError when the machine lacks something."""
        require_root()
        commands = require_commands()
        self._layout = layout
        self._accelerator = accelerator
        self._user = qemu_user()
        self._virtlogd = self._daemon(commands["virtlogd"])
        self._libvirtd = self._daemon(commands["libvirtd"])
        self._reaper = Reaper()

    def start(self) -> None:
        """Start everything, and wait until the daemon answers. Guests of an earlier keeper go on.

        Raises HypervisorError. Then daemons that were started have ended, and guests of an earlier keeper still go on.
        """
        try:
            self._prepare()
            self._start_virtlogd()
            self._start_libvirtd()
        except OSError as error:
            what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
            raise HypervisorError(f"The host's libvirt cannot be started: {what}.") from error
        if not self._do(self._connect, START_PATIENCE, until=lambda: not self._libvirtd.runs):
            self._abandon()
            why = self._libvirtd.last_words() or f"see {self._layout.root / 'log'}"
            raise HypervisorError(f"libvirtd does not answer: {why}")
        self._layout.ready.write_text(f"{os.getpid()}\n")

    def keep(self) -> None:
        """Start again what dies, until told to stop."""
        while not self._reaper.told_to_stop:
            for daemon, start in ((self._virtlogd, self._start_virtlogd), (self._libvirtd, self._start_libvirtd)):
                if daemon.runs:
                    continue
                pause = daemon.pause()
                log.warning("%s has ended (%s): started again in %.1f s", daemon.name, daemon.last_words(), pause)
                self._sleep(pause)
                start()
            self._reaper.wait(60.0, [d.handle for d in (self._virtlogd, self._libvirtd) if d.handle is not None])

    def stop(self) -> None:
        """Power all guests off, end the daemons, and leave nothing behind but files."""
        self._layout.ready.unlink(missing_ok=True)
        if not self._libvirtd.runs:
            self._start_libvirtd()
        if not self._do(lambda: power_off(self._layout), STOP_PATIENCE, until=lambda: not self._libvirtd.runs):
            log.warning("libvirt could not power off all guests: their processes are ended without it")
        remove_traces(self._layout)

    def _prepare(self) -> None:
        layout, user = self._layout, self._user
        if user.is_root:
            log.warning("there is no user %s: QEMU runs as root, and so would a guest that breaks out of it", NAME)
        _forget_last_boot(layout)
        layout.make()
        layout.ready.unlink(missing_ok=True)
        write_settings(layout, user)
        # A daemon of an earlier keeper is replaced, so that what it orphans is reaped here; its virtlogd is taken over,
        # because the console logs of running guests go through pipes that no other process can take over.
        end([process for process in own_processes(layout) if process.name == "libvirtd"], layout)
        namespace.enter(layout, self._accelerator, user)

    def _start_virtlogd(self) -> None:
        for process in own_processes(self._layout):
            if process.name == "virtlogd":
                self._virtlogd.watch(process.pid)
                return
        self._virtlogd.start()

    def _start_libvirtd(self) -> None:
        namespace.complete(self._layout, self._user)
        with machine_lock():
            self._libvirtd.start()

    def _abandon(self) -> None:
        """End the daemon; and all else too, unless guests of an earlier keeper are there."""
        end([process for process in own_processes(self._layout) if process.name == self._libvirtd.name], self._layout)
        if all(process.name == self._virtlogd.name for process in own_processes(self._layout)):
            remove_traces(self._layout)

    def _connect(self) -> None:
        while True:
            try:
                libvirt.open(self._layout.uri).close()
            except libvirt.libvirtError as error:
                log.debug("not yet: %s", translated(error))
                time.sleep(0.02)
            else:
                return

    def _do(self, action: Callable[[], None], patience: float, *, until: Callable[[], bool]) -> bool:
        """Do something in a thread, and reap meanwhile: libvirt waits for what it ends. False when it was not finished."""
        worker = threading.Thread(target=action, daemon=True)
        worker.start()
        deadline = time.monotonic() + patience
        while worker.is_alive() and time.monotonic() < deadline and not until():
            self._reaper.wait(0.02)
        return not worker.is_alive()

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._reaper.told_to_stop and (left := deadline - time.monotonic()) > 0:
            self._reaper.wait(left)

    def _daemon(self, command: str) -> Daemon:
        name = Path(command).name
        return Daemon(
            name,
            [command, "--config", f"/etc/libvirt/{name}.conf", "--pid-file", str(LIBVIRT_RUN / f"{name}.pid")],
            output=self._layout.root / "log" / f"{name}.output",
        )


def _forget_last_boot(layout: Layout) -> None:
    """Clear what the machine's last uptime has left in `/run`, where that is not emptied at a boot."""
    boot = BOOT_ID.read_text()
    mark = layout.run / "boot-id"
    if layout.run.exists() and not (mark.exists() and mark.read_text() == boot):
        shutil.rmtree(layout.run)
    layout.run.mkdir(mode=0o700, exist_ok=True)
    mark.write_text(boot)
