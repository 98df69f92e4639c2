"""The agent: brings about, on one host, what the region wants of its instances, and reports what is.

It keeps nothing that it could not find again: what is wanted comes from the bus, what is comes from the hypervisor.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domain.instance.desired import Desired
from domain.instance.digest import digest_of
from domain.instance.observation import Observation
from domain.instance.state import StopReason
from journal.bus import Bus
from journal.waiting import within
from services.compute.boot_time import booted_at
from services.compute.hypervisor import Hypervisor, HypervisorError, Inventory
from services.compute.images import ImageCache
from services.compute.ledger import Ledger
from services.compute.link import Link
from services.compute.worker import Tools, Worker, observation_document

log = logging.getLogger(__name__)

UNLISTED_FOR = 20.0  # seconds
CONSOLE_LIMIT = 512 * 1024  # characters of an answer: a message holds 1 MB


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How one host's agent works."""

    host: str
    directory: Path
    images: Path  # where the image cache lies: readable by the hypervisor
    session: str
    reserved_memory_mib: int = 0
    cpu_allocation_ratio: float = 4.0
    builds_at_once: int = 4
    grace: float = 30.0  # seconds
    heartbeat_every: float = 2.0  # seconds
    look_every: float = 10.0  # seconds


class Agent:
    """The agent of one host."""

    def __init__(self, client: Bus, hypervisor: Hypervisor, settings: AgentSettings) -> None:
        self._hypervisor = hypervisor
        self._settings = settings
        self._link = Link(client, settings.host)
        self._workers: dict[str, Worker] = {}
        self._missing: set[str] = set()  # instances whose desired state must be sent again
        self._behind: set[str] = set()  # instances that were behind at the last heartbeat
        self._beat_now = asyncio.Event()
        self._unlisted: dict[str, float] = {}  # instance → since when the region has not listed it
        self._tools = Tools(
            hypervisor=hypervisor,
            images=ImageCache(settings.images),
            ledger=Ledger(settings.directory / "ledger"),
            session=settings.session,
            builds=asyncio.Semaphore(settings.builds_at_once),
            grace=settings.grace,
            report=self._report,
            ask_again=self._ask_again,
        )

    async def run(self) -> None:
        """Work for ever. Raises HypervisorError when there is no hypervisor to begin with."""
        await self._hypervisor.open(self._changed)
        try:
            await self._link.answer({"console": self._console, "diagnostics": self._diagnostics})
            async with asyncio.TaskGroup() as group:
                group.create_task(self._link.work(self._take), name="work")
                group.create_task(self._beat(), name="heartbeat")
                group.create_task(self._look(), name="look")
        finally:
            for worker in self._workers.values():
                worker.task.cancel()
            await asyncio.gather(*(worker.task for worker in self._workers.values()), return_exceptions=True)
            await self._hypervisor.close()

    def _take(self, desired: Desired) -> None:
        self._missing.discard(desired.instance_id)
        worker = self._workers.get(desired.instance_id)
        if worker is None:
            self._workers[desired.instance_id] = Worker(desired, self._tools)
        else:
            worker.want(desired)

    def _changed(self, instance_id: str, reason: StopReason | None) -> None:
        """The hypervisor says that a guest has changed by itself, or ("") that everything is to be looked at."""
        for worker in [self._workers.get(instance_id)] if instance_id else list(self._workers.values()):
            if worker is not None:
                worker.wake(reason)

    def _ask_again(self, instance_id: str) -> None:
        self._missing.add(instance_id)
        self._beat_now.set()

    async def _report(self, seen: Observation) -> bool:
        return await self._link.report("state", seen.instance_id, observation_document(seen))

    async def _beat(self) -> None:
        registered = False
        while True:
            if not registered:
                registered = await self._register()
            await self._heartbeat()
            try:
                await within(self._settings.heartbeat_every, self._beat_now.wait())
            except TimeoutError:
                continue
            finally:
                self._beat_now.clear()

    async def _register(self) -> bool:
        inventory = await self._hypervisor.inventory()
        return await self._link.report("inventory", self._settings.host, inventory_document(inventory, self._settings))

    async def _heartbeat(self) -> None:
        for instance_id in [name for name, worker in self._workers.items() if worker.is_done]:
            self._drop(instance_id)
        held = {instance_id: worker.desired.generation for instance_id, worker in self._workers.items()}
        answer = await self._link.beat({"digest": digest_of(held), "missing": sorted(self._missing)})
        if answer is None:
            return
        if not answer["registered"]:
            await self._register()
            return
        if "instances" in answer:
            self._compare(answer["instances"], held)
        else:
            self._behind, self._unlisted = set(), {}
        for instance_id in answer["waiting"]:
            if worker := self._workers.get(instance_id):
                worker.report_again()

    def _compare(self, wanted: Mapping[str, int], held: Mapping[str, int]) -> None:
        """Drop what is not ours any more, and ask for what we do not hold at that generation."""
        for instance_id, generation in held.items():
            worker = self._workers.get(instance_id)
            # What came while the heartbeat was on its way is not in the answer: leave it for the next one.
            if instance_id not in wanted and worker is not None and worker.desired.generation == generation:
                self._suspect(instance_id)
        behind = {name for name, generation in wanted.items() if held.get(name, 0) < generation}
        # What is behind once may be on its way; what is behind twice was lost.
        lost = behind & self._behind
        if lost - self._missing:
            self._beat_now.set()
        self._missing = (self._missing & behind) | lost
        self._behind = behind
        self._unlisted = {name: since for name, since in self._unlisted.items() if name not in wanted}

    def _suspect(self, instance_id: str) -> None:
        """The region does not list this instance. Its read model may lag behind the bus, so it is dropped only after a while."""
        since = self._unlisted.setdefault(instance_id, time.monotonic())
        if time.monotonic() - since > UNLISTED_FOR:
            del self._unlisted[instance_id]
            self._drop(instance_id)

    def _drop(self, instance_id: str) -> None:
        worker = self._workers.pop(instance_id, None)
        if worker is not None:
            worker.task.cancel()
            self._tools.ledger.forget(instance_id)

    async def _look(self) -> None:
        """Look at every guest now and then: events can be lost, and a guest may die while nobody listens."""
        strange: set[str] = set()
        while True:
            await asyncio.sleep(self._settings.look_every)
            try:
                guests = await self._hypervisor.actual()
            except HypervisorError as error:
                log.warning("the host's guests cannot be listed: %s", error)
                continue
            for worker in self._workers.values():
                worker.wake()
            unknown = {guest.instance_id for guest in guests} - self._workers.keys()
            for instance_id in unknown - strange:
                log.warning("there is a guest that the region does not know: %s; it is left alone", instance_id)
            strange = unknown

    async def _console(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        instance_id, lines = str(question["instance_id"]), question["lines"]
        if instance_id not in self._workers:
            raise LookupError(f"Instance {instance_id} is not on this host.")
        output = await self._hypervisor.console_output(instance_id, None if lines is None else int(lines))
        return {"output": output[-CONSOLE_LIMIT:]}

    async def _diagnostics(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        instance_id = str(question["instance_id"])
        worker = self._workers.get(instance_id)
        if worker is None or worker.desired.spec is None:
            raise LookupError(f"Instance {instance_id} is not on this host.")
        return {"diagnostics": asdict(await self._hypervisor.diagnostics(worker.desired.spec))}


def inventory_document(inventory: Inventory, settings: AgentSettings) -> dict[str, Any]:
    """What a host reports of itself."""
    return {
        **asdict(inventory),
        "booted_at": booted_at(),
        "allocation_ratios": {"vcpus": settings.cpu_allocation_ratio, "memory_mib": 1.0, "disk_gib": 1.0},
        "reserved": {"vcpus": 0, "memory_mib": settings.reserved_memory_mib, "disk_gib": 0},
    }
