"""`chronova down`: ends a region, and leaves nothing behind but its data."""

import subprocess
import sys
from pathlib import Path

from services.cli.processes import end_by_pid, running
from services.cli.region import Region
from services.cli.supervisor import LIBVIRT, ORDER, SUPERVISOR
from services.cli.terminal import fail, say

PATIENCE = 120.0  # seconds: guests are powered off in that time


def down(data: Path) -> int:
    """End the region in a directory; the exit code."""
    region = Region.load(data)
    if region is None:
        fail(f"There is no region in {data}.")
        return 1
    supervisor = region.run / f"{SUPERVISOR}.pid"
    if running(supervisor):
        say(f"Stopping the region in {data} …")
        end_by_pid(supervisor, patience=PATIENCE)
        say("Stopped. Its data is kept; `chronova up` goes on from there.")
        return 0
    found = [name for name in ORDER if end_by_pid(region.run / f"{name}.pid", patience=60)]
    if not region.is_simulated and LIBVIRT not in found:
        found += _tidy_libvirt(region)
    say(
        f"The region was not running; ended what was left of it: {', '.join(found)}."
        if found
        else "The region is not running."
    )
    return 0


def _tidy_libvirt(region: Region) -> list[str]:
    """End daemons and guests whose keeper was killed."""
    root = region.host_directory(region.hosts[0]) / "libvirt"
    if not root.exists():
        return []
    command = [sys.executable, "-m", "services.compute.libvirt.environment", "--root", str(root), "--clean"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 -- our own command
    if done.returncode != 0:
        fail(f"libvirt could not be tidied up: {done.stderr.strip()}")
    return ["libvirt"] if done.stdout.strip() else []
