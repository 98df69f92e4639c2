"""A hypervisor whose guests exist in name only: for scale tests, and for trying a region out without virtualisation."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from domain.instance.desired import GuestSpec
from domain.instance.state import PowerState, StopReason
from services.compute.diagnostics import CpuFigures, Diagnostics, DiskFigures, NicFigures
from services.compute.hypervisor import Actual, HypervisorError, Inventory, Progress

Failure = Callable[[GuestSpec], str | None]
"""Whether a build fails, and with which words; None: it does not."""

NO_GUEST = "There is no guest {} on this host."

QCOW2 = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 30, 0, 0, 0, 0, 0, 0, 0)
"""The header of a qcow2 disk (version 2) of a gibibyte that refers to nothing. Source: QEMU's `docs/interop/qcow2.txt`."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long things take, in seconds."""

    build: float = 0.0
    power: float = 0.0


class SimulatedHypervisor:
    """One small file a guest, so that guests outlive the agent's process as real ones do; not a loss of power, though."""

    needs_image = False

    def __init__(
        self, directory: Path, inventory: Inventory, delays: Delays | None = None, failure: Failure | None = None
    ) -> None:
        self._directory = directory
        self._inventory = inventory
        self._delays = delays or Delays()
        self._failure: Failure = failure or (lambda _spec: None)
        self._failures: list[str] = []
        self._on_change: Callable[[str, StopReason | None], None] = lambda _instance_id, _reason: None
        directory.mkdir(parents=True, exist_ok=True)

    async def open(self, on_change: Callable[[str, StopReason | None], None]) -> None:
        """There is nothing to connect to."""
        self._on_change = on_change

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def inventory(self) -> Inventory:
        """What it was made with."""
        return self._inventory

    def fail_next(self, reason: str) -> None:
        """Let the next build, or the next plugging of cards, fail."""
        self._failures.append(reason)

    async def power_off_by_itself(self, instance_id: str) -> None:
        """What a guest does when somebody types `poweroff` in it."""
        self._stop_by_itself(instance_id, StopReason.GUEST)

    async def crash(self, instance_id: str) -> None:
        """What becomes of a guest whose process is killed."""
        self._stop_by_itself(instance_id, StopReason.CRASHED)

    async def actual(self) -> Sequence[Actual]:
        """All guests."""
        return [guest for path in self._directory.glob("*.json") if (guest := self._read(path.stem)) is not None]

    async def inspect(self, instance_id: str) -> Actual | None:
        """One guest."""
        return self._read(instance_id)

    async def build(self, spec: GuestSpec, image: Path | None, progress: Progress) -> None:  # noqa: ARG002
        """Note that it runs."""
        self._path(spec.id).unlink(missing_ok=True)
        progress("define")
        await asyncio.sleep(self._delays.build)
        if (reason := self._failures.pop(0) if self._failures else self._failure(spec)) is not None:
            raise HypervisorError(reason)
        progress("start")
        self._write_cards(spec)
        self._write(spec.id, PowerState.RUNNING)

    async def park(self, instance_id: str, grace: float) -> None:
        """Note that it is off."""
        await self.shut_down(instance_id, grace)

    async def receive(self, spec: GuestSpec) -> None:
        """Note that it runs here: there is no disk to take over."""
        await asyncio.sleep(self._delays.build)
        if (reason := self._failures.pop(0) if self._failures else self._failure(spec)) is not None:
            raise HypervisorError(reason)
        self._write_cards(spec)
        self._write(spec.id, PowerState.RUNNING)

    async def start(self, instance_id: str) -> None:
        """Note that it runs."""
        await self._change(instance_id, PowerState.RUNNING)

    async def shut_down(self, instance_id: str, grace: float) -> None:  # noqa: ARG002
        """Note that it is off."""
        await self._change(instance_id, PowerState.SHUTDOWN)

    async def reboot(self, instance_id: str, *, hard: bool, grace: float) -> None:  # noqa: ARG002
        """Note that it runs."""
        await self._change(instance_id, PowerState.RUNNING)

    async def pause(self, instance_id: str) -> None:
        """Note that it is paused."""
        await self._change(instance_id, PowerState.PAUSED, of=(PowerState.RUNNING,))

    async def unpause(self, instance_id: str) -> None:
        """Note that it runs."""
        await self._change(instance_id, PowerState.RUNNING, of=(PowerState.PAUSED,))

    async def suspend(self, instance_id: str) -> None:
        """Note that it is suspended."""
        await self._change(instance_id, PowerState.SUSPENDED, of=(PowerState.RUNNING,))

    async def resume(self, instance_id: str) -> None:
        """Note that it runs."""
        await self._change(instance_id, PowerState.RUNNING, of=(PowerState.SUSPENDED,))

    async def rescue(self, spec: GuestSpec, image: Path | None, grace: float) -> None:  # noqa: ARG002
        """Note that it runs from a rescue image."""
        await self._change(spec.id, PowerState.RUNNING, rescued=True)

    async def unrescue(self, spec: GuestSpec, grace: float) -> None:  # noqa: ARG002
        """Note that it runs from its own disk."""
        await self._change(spec.id, PowerState.RUNNING)

    async def set_password(self, instance_id: str, password: str) -> None:  # noqa: ARG002
        """There is nobody to log in."""
        await self._change(instance_id, PowerState.RUNNING, of=(PowerState.RUNNING,))

    async def trigger_crash_dump(self, instance_id: str) -> None:
        """There is no kernel to dump anything."""
        if self._read(instance_id) is None:
            raise HypervisorError(NO_GUEST.format(instance_id))

    async def export_disk(self, instance_id: str, disk_format: str) -> Path:
        """An empty disk of a gibibyte, in as few bytes as the format allows."""
        if self._read(instance_id) is None:
            raise HypervisorError(NO_GUEST.format(instance_id))
        path = self._directory / f"{instance_id}.{disk_format}"
        path.write_bytes(QCOW2 if disk_format == "qcow2" else bytes(512))
        return path

    async def destroy(self, instance_id: str) -> None:
        """Forget it."""
        for path in self._directory.glob(f"{instance_id}.*"):
            path.unlink(missing_ok=True)

    async def console_output(self, instance_id: str, lines: int | None) -> str:
        """A line that says what it is; nothing where there is no guest."""
        if self._read(instance_id) is None or lines == 0:
            return ""
        return f"simulated guest {instance_id}: there is no console behind this line. simulated login:\n"

    async def plug(self, spec: GuestSpec) -> None:
        """Note which cards it has."""
        if self._read(spec.id) is None:
            raise HypervisorError(f"There is no guest {spec.id} on this host.")
        if (reason := self._failures.pop(0) if self._failures else None) is not None:
            raise HypervisorError(reason)
        self._write_cards(spec)

    async def diagnostics(self, spec: GuestSpec) -> Diagnostics:
        """Figures of a guest that does nothing, but has what it was asked for."""
        if self._read(spec.id) is None:
            raise HypervisorError(f"There is no guest {spec.id} on this host.")
        return Diagnostics(
            hypervisor="simulated",
            memory_maximum=spec.memory_mib,
            memory_used=0,
            cpus=tuple(CpuFigures(0) for _ in range(spec.vcpus)),
            disks=(DiskFigures("vda", 0, 0, 0, 0),),
            nics=tuple(NicFigures(nic.mac, 0, 0, 0, 0, 0, 0, 0, 0) for nic in spec.nics),
        )

    async def _change(
        self, instance_id: str, power: PowerState, *, of: tuple[PowerState, ...] | None = None, rescued: bool = False
    ) -> None:
        """Note a power state; refused when the guest is in none of those that it can be changed of (None: any will do)."""
        await asyncio.sleep(self._delays.power)
        seen = self._read(instance_id)
        if seen is None:
            raise HypervisorError(NO_GUEST.format(instance_id))
        if of is not None and seen.power not in {power, *of}:
            raise HypervisorError(f"The guest is {seen.power.name.lower()}: that cannot be done now.")
        if seen.power is not power or seen.rescued != rescued:
            self._write(
                instance_id, power, StopReason.REQUESTED if power is PowerState.SHUTDOWN else None, rescued=rescued
            )

    def _stop_by_itself(self, instance_id: str, reason: StopReason) -> None:
        self._write(instance_id, PowerState.SHUTDOWN, reason)
        self._on_change(instance_id, reason)

    def _read(self, instance_id: str) -> Actual | None:
        try:
            document = orjson.loads(self._path(instance_id).read_bytes())
            reason = document.get("stop_reason")
            return Actual(
                instance_id,
                PowerState(document["power"]),
                None if reason is None else StopReason(reason),
                rescued=document.get("rescued", False),
                cards=self._read_cards(instance_id),
            )
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _write(
        self, instance_id: str, power: PowerState, reason: StopReason | None = None, *, rescued: bool = False
    ) -> None:
        part = self._path(instance_id).with_suffix(".part")
        part.write_bytes(orjson.dumps({"power": int(power), "stop_reason": reason, "rescued": rescued}))
        part.replace(self._path(instance_id))

    def _read_cards(self, instance_id: str) -> frozenset[str] | None:
        try:
            return frozenset(orjson.loads(self._cards(instance_id).read_bytes()))
        except (FileNotFoundError, ValueError):
            return None

    def _write_cards(self, spec: GuestSpec) -> None:
        self._cards(spec.id).write_bytes(orjson.dumps([nic.mac for nic in spec.nics]))

    def _cards(self, instance_id: str) -> Path:
        return self._directory / f"{instance_id}.cards"

    def _path(self, instance_id: str) -> Path:
        return self._directory / f"{instance_id}.json"
