"""The port: what a hypervisor must be able to do for the agent. `libvirt/` and `simulated.py` are its adapters.

Every call is idempotent: after a crash the agent simply asks again. An adapter keeps no promise in memory that it could
not find again in the hypervisor or on disk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from domain.instance.desired import GuestSpec
from domain.instance.state import PowerState, StopReason
from services.compute.diagnostics import Diagnostics

Progress: TypeAlias = Callable[[str], None]


class HypervisorError(Exception):
    """The hypervisor could not do it. The message is a sentence that a user or an operator can act on."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the host has to give, and what runs it."""

    vcpus: int
    memory_mib: int
    disk_gib: int
    hypervisor_type: str  # QEMU | KVM | simulated
    hypervisor_version: int  # 7002000 is 7.2.0
    cpu_arch: str  # x86_64
    cpu_model: str


@dataclass(frozen=True, slots=True)
class Actual:
    """One guest as the hypervisor has it now."""

    instance_id: str
    power: PowerState
    stop_reason: StopReason | None = None  # why it is shut down, where the hypervisor can tell
    rescued: bool = False  # it was booted from its rescue image
    ours: bool = True  # False: a domain that Chronova did not make; reported, never touched
    cards: frozenset[str] | None = field(default=None, compare=False)  # hardware addresses; None: not known


class Hypervisor(Protocol):
    """One host's hypervisor."""

    needs_image: bool  # False: `build` is given no image file

    async def open(self, on_change: Callable[[str, StopReason | None], None]) -> None:
        """Connect, and call `on_change(instance_id, reason)` on the event loop whenever a guest changes by itself.

        Reconnects on its own when the hypervisor's daemon restarts, and then calls `on_change("", None)`: look at everything.
        Raises HypervisorError when there is no hypervisor to talk to.
        """

    async def close(self) -> None:
        """Let go of the hypervisor. Guests go on."""

    async def inventory(self) -> Inventory:
        """What the host has."""

    async def actual(self) -> Sequence[Actual]:
        """All guests on the host, whoever made them."""

    async def inspect(self, instance_id: str) -> Actual | None:
        """One guest; None when there is none (also when a build was left half-way)."""

    async def build(self, spec: GuestSpec, image: Path | None, progress: Progress) -> None:
        """Make the guest from a verified local image file and start it; clears a former half-made attempt first.

        `progress(stage)` is called as each stage begins: disk, config-drive, network, define, start.
        Raises HypervisorError; then nothing of the guest is left.
        """

    async def park(self, instance_id: str, grace: float) -> None:
        """Shut the guest down so that another host can take it over. Raises HypervisorError; then it runs on."""

    async def receive(self, spec: GuestSpec) -> None:
        """Make the guest with the disk that another host has parked, and start it. Raises HypervisorError; then nothing is left."""

    async def start(self, instance_id: str) -> None:
        """Power the guest on; nothing when it runs. Raises HypervisorError."""

    async def shut_down(self, instance_id: str, grace: float) -> None:
        """Ask the guest to shut down (ACPI), and pull the plug after `grace` seconds; nothing when it is off."""

    async def reboot(self, instance_id: str, *, hard: bool, grace: float) -> None:
        """Restart the guest: softly within `grace` seconds, else (or when hard) by power cycle. Starts it when it is off."""

    async def pause(self, instance_id: str) -> None:
        """Let the guest's processors stand still; nothing when they do. Raises HypervisorError when it does not run."""

    async def unpause(self, instance_id: str) -> None:
        """Let a paused guest go on; nothing when it runs. Raises HypervisorError."""

    async def suspend(self, instance_id: str) -> None:
        """Write the guest's memory to disk and end it; nothing when that is so. Raises HypervisorError."""

    async def resume(self, instance_id: str) -> None:
        """Let a suspended guest go on from where it was; nothing when it runs. Raises HypervisorError."""

    async def rescue(self, spec: GuestSpec, image: Path | None, grace: float) -> None:
        """Boot the guest from its rescue image, its own disk as a second one. Raises HypervisorError; then it is as before."""

    async def unrescue(self, spec: GuestSpec, grace: float) -> None:
        """Boot the guest from its own disk again, and remove what was made for the rescue. Raises HypervisorError."""

    async def set_password(self, instance_id: str, password: str) -> None:
        """Set the administrator's password in the running guest. Raises HypervisorError."""

    async def trigger_crash_dump(self, instance_id: str) -> None:
        """Interrupt the guest (NMI), so that its kernel dumps its memory. Raises HypervisorError."""

    async def export_disk(self, instance_id: str, disk_format: str) -> Path:
        """A flat copy of the guest's disk, in a file that the caller removes. Raises HypervisorError."""

    async def destroy(self, instance_id: str) -> None:
        """Remove the guest with its disks, its config drive and its address reservation. Nothing when it is gone."""

    async def plug(self, spec: GuestSpec) -> None:
        """Give the guest the cards of the spec that it lacks, and take those away that are not in it, whether it runs or not.

        Raises HypervisorError; what was done before it failed stays, and `Actual.cards` says what that is.
        """

    async def console_output(self, instance_id: str, lines: int | None) -> str:
        """The last lines of the guest's serial console log (all that is kept when None); empty when it wrote nothing."""

    async def diagnostics(self, spec: GuestSpec) -> Diagnostics:
        """Figures of a guest that runs. Raises HypervisorError when there is none."""
