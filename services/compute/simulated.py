"""A hypervisor whose guests exist in name only: for scale tests, and for trying a region out without virtualisation."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from domain.instance.desired import GuestSpec
from domain.instance.state import PowerState, StopReason
from services.compute.hypervisor import Actual, HypervisorError, Inventory, Progress


@dataclass(slots=True)
class Delays:
    """How long things take, in seconds."""

    build: float = 0.0
    power: float = 0.0


class SimulatedHypervisor:
    """One small file a guest, so that guests outlive the agent's process as real ones do."""

    needs_image = False

    def __init__(self, directory: Path, inventory: Inventory, delays: Delays | None = None) -> None:
        self._directory = directory
        self._inventory = inventory
        self._delays = delays or Delays()
        self._failures: list[str] = []
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
        """Let the next build fail."""
        self._failures.append(reason)

    async def power_off_by_itself(self, instance_id: str) -> None:
        """What a guest does when somebody types `poweroff` in it."""
        self._write(instance_id, PowerState.SHUTDOWN)
        self._on_change(instance_id, StopReason.GUEST)

    async def actual(self) -> Sequence[Actual]:
        """All guests."""
        return [
            guest for path in self._directory.glob("*.json") if (guest := await self.inspect(path.stem)) is not None
        ]

    async def inspect(self, instance_id: str) -> Actual | None:
        """One guest."""
        try:
            document = orjson.loads(self._path(instance_id).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return Actual(instance_id, PowerState(document["power"]))

    async def build(self, spec: GuestSpec, image: Path | None, progress: Progress) -> None:  # noqa: ARG002
        """Note that it runs."""
        progress("define")
        await asyncio.sleep(self._delays.build)
        if self._failures:
            raise HypervisorError(self._failures.pop(0))
        progress("start")
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

    async def destroy(self, instance_id: str) -> None:
        """Forget it."""
        self._path(instance_id).unlink(missing_ok=True)

    async def console_output(self, instance_id: str, lines: int | None) -> str:  # noqa: ARG002
        """A line that says what it is."""
        return f"simulated guest {instance_id}: there is no console behind this line\nsimulated login: \n"

    async def _change(self, instance_id: str, power: PowerState) -> None:
        await asyncio.sleep(self._delays.power)
        if await self.inspect(instance_id) is None:
            raise HypervisorError(f"There is no guest {instance_id}.")
        self._write(instance_id, power)

    def _write(self, instance_id: str, power: PowerState) -> None:
        part = self._path(instance_id).with_suffix(".part")
        part.write_bytes(orjson.dumps({"power": int(power)}))
        part.replace(self._path(instance_id))

    def _path(self, instance_id: str) -> Path:
        return self._directory / f"{instance_id}.json"
