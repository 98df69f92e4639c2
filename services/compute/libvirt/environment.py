"""A host's own libvirt, started without systemd, beside whatever libvirt the machine may have.

    python -m services.compute.libvirt.environment --root DIR --accelerator qemu

prints `ready URI` once the daemon answers, starts daemons that die again, and on SIGTERM powers all guests off and takes
everything off the machine. Killed by SIGKILL it leaves guests running, and its successor on the same root takes them over.
"""

import argparse
import fcntl
import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.keeper import Keeper
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.tidy import has_traces


def uri(root: Path) -> str:
    """What libvirt's clients connect to, virsh too."""
    return Layout(root).uri


def is_ready(root: Path) -> bool:
    """Whether a keeper runs this root and its daemon answers."""
    layout = Layout(root)
    try:
        os.kill(int(layout.ready.read_text()), 0)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            probe.connect(str(layout.socket))
    except (OSError, ValueError):
        return False
    return True


def run(layout: Layout, accelerator: Accelerator) -> None:
    """Run until told to stop. Raises HypervisorError."""
    with _held(layout):
        keeper = Keeper(layout, accelerator)
        keeper.start()
        _say(f"ready {layout.uri}")
        keeper.keep()
        keeper.stop()


def clean(layout: Layout) -> None:
    """End what a killed keeper has left, guests too; says so when there was anything. Raises HypervisorError."""
    if not has_traces(layout):
        return
    with _held(layout):
        keeper = Keeper(layout, Accelerator.QEMU)
        keeper.start()
        keeper.stop()
        _say("ended what was left running")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog="services.compute.libvirt.environment", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the directory that all lasting state lies below")
    parser.add_argument("--accelerator", type=Accelerator, choices=list(Accelerator), default=Accelerator.QEMU)
    parser.add_argument("--clean", action="store_true", help="end what a killed keeper has left running, and exit")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    layout = Layout(options.root.absolute())
    try:
        if options.clean:
            clean(layout)
        else:
            run(layout, options.accelerator)
    except HypervisorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


@contextmanager
def _held(layout: Layout) -> Iterator[None]:
    """Hold the root, so that no two keepers run it; the kernel lets go of it when this process ends, however it ends."""
    try:
        layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = layout.lock.open("a")
    except OSError as error:
        raise HypervisorError(f"{layout.root} cannot be used: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HypervisorError(f"Another process runs the libvirt in {layout.root}: stop it first.") from None
        yield


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
