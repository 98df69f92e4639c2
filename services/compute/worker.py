"""The worker: one an instance, which brings about what is wanted step by step and reports what is. Never two at once."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.instance.desired import Desired, GuestSpec, ImageSource, Want
from domain.instance.observation import Observation
from domain.instance.state import PowerState, StopReason
from journal.waiting import within
from services.compute.hypervisor import Actual, Hypervisor, HypervisorError
from services.compute.images import ImageCache, StaleUrl
from services.compute.ledger import Ledger
from services.compute.plan import Known, Step, begun, noted, plan
from services.compute.steps import CALLS, spec_of
from services.compute.uploads import upload

log = logging.getLogger(__name__)

RETRY_FIRST, RETRY_MOST = 0.5, 30.0  # seconds between attempts at what must succeed in the end


@dataclass(frozen=True, slots=True)
class Tools:
    """What all workers of a host share."""

    hypervisor: Hypervisor
    images: ImageCache
    ledger: Ledger
    session: str
    builds: asyncio.Semaphore  # how many guests may be made at once
    grace: float  # seconds that a guest has to shut down by itself
    report: Callable[[Observation], Awaitable[bool]]
    ask_again: Callable[[str], None]  # this instance's desired state is needed anew


class Worker:
    """Works on one instance, whenever it is woken, until what is wanted is what is."""

    def __init__(self, desired: Desired, tools: Tools) -> None:
        self.desired = desired
        self._tools = tools
        self._woken = asyncio.Event()
        self._reported: Observation | None = None
        self._stop_reason: StopReason | None = None
        self._stages: dict[str, float] = {}
        self._applied = tools.ledger.read(desired.instance_id)
        self.task = asyncio.create_task(self._run(), name=f"instance {desired.instance_id}")

    def want(self, desired: Desired) -> None:
        """Take over a newer desired state; an older one is ignored, the same one brings fresh URLs."""
        if desired.generation >= self.desired.generation:
            self.desired = desired
            self._woken.set()

    def wake(self, reason: StopReason | None = None) -> None:
        """Look at the guest again; `reason` tells why it stopped, where that is known."""
        self._stop_reason = reason or self._stop_reason
        self._woken.set()

    @property
    def is_done(self) -> bool:
        """Whether the instance is gone, and the region has been told: there is nothing left to work on."""
        seen = self._reported
        return (
            self.desired.want is Want.ABSENT
            and seen is not None
            and not seen.exists
            and seen.generation == self.desired.generation
        )

    def report_again(self) -> None:
        """Say once more what is, though nothing has changed: the region may have missed it."""
        self._reported = None
        self._woken.set()

    async def _run(self) -> None:
        pause = RETRY_FIRST
        while True:
            self._woken.clear()
            try:
                settled = await self._advance()
                pause = RETRY_FIRST
            except (HypervisorError, OSError) as error:
                # Looking failed, or removing: neither is given up.
                log.warning("instance %s: %s; again in %.1f s", self.desired.instance_id, error, pause)
                settled = False
            except Exception:
                log.exception("instance %s: this should not happen; again in %.1f s", self.desired.instance_id, pause)
                settled = False
            if settled:
                await self._woken.wait()
            else:
                await self._wait(pause)
                pause = min(RETRY_MOST, pause * 2)

    async def _wait(self, seconds: float) -> None:
        try:
            await within(seconds, self._woken.wait())
        except TimeoutError:
            return

    async def _advance(self) -> bool:
        """Take steps until none is left, and report. False: to be tried again without being woken."""
        while True:
            desired = self.desired
            actual = await self._tools.hypervisor.inspect(desired.instance_id)
            step = plan(Known(desired, actual, self._applied, self._tools.session))
            if step is Step.REPORT:
                return await self._report(desired, actual)
            try:
                await self._take(step, desired)
            except StaleUrl:
                self._tools.ask_again(desired.instance_id)
                return False
            except HypervisorError as error:
                if step is Step.DESTROY:
                    raise
                log.warning("instance %s: %s failed: %s", desired.instance_id, step.name, error)
                self._note(desired, error=str(error))

    async def _take(self, step: Step, desired: Desired) -> None:
        hypervisor, grace = self._tools.hypervisor, self._tools.grace
        if step in CALLS:
            await CALLS[step](hypervisor, desired, grace)
        elif step is Step.DESTROY:
            await hypervisor.destroy(desired.instance_id)
            self._applied = None
            self._tools.ledger.forget(desired.instance_id)
            return
        elif step is Step.RESCUE:
            spec = spec_of(desired)
            await hypervisor.rescue(spec, await self._image(spec.rescue_image), grace)
        elif step is Step.RECEIVE:
            await self._receive(desired, spec_of(desired))
        elif step is Step.UPLOAD_IMAGE:
            await self._upload_image(desired)
        else:
            await self._build(desired, spec_of(desired))
        # What stopped the guest before has nothing to do with how it stops from now on.
        self._stop_reason = None
        self._note(desired, step)

    async def _receive(self, desired: Desired, spec: GuestSpec) -> None:
        async with self._tools.builds:
            self._begin(desired)
            await self._tools.hypervisor.receive(spec)

    async def _upload_image(self, desired: Desired) -> None:
        errand = desired.errand
        if errand is None:
            return
        disk = await self._tools.hypervisor.export_disk(desired.instance_id, errand.disk_format)
        try:
            await upload(errand.image_id, errand.url, disk)
        finally:
            await asyncio.to_thread(disk.unlink, missing_ok=True)

    async def _image(self, source: ImageSource | None) -> Path | None:
        """The file of an image; None where the hypervisor needs none. Raises HypervisorError, StaleUrl."""
        if source is None or not self._tools.hypervisor.needs_image:
            return None
        return await self._tools.images.fetch(source, lambda why: log.warning("%s: %s", self.desired.instance_id, why))

    async def _build(self, desired: Desired, spec: GuestSpec) -> None:
        await self._tools.report(Observation(spec.id, desired.generation, exists=False, settled=False))
        async with self._tools.builds:
            stages = Stopwatch()
            if self._tools.hypervisor.needs_image:
                stages("image")
            image = await self._image(spec.image)
            self._begin(desired)
            await self._tools.hypervisor.build(spec, image, stages)
            self._stages = stages.done()

    def _begin(self, desired: Desired) -> None:
        """From here on there may be files: a deletion that overtakes the build must know."""
        self._applied = begun(self._applied, desired, self._tools.session)
        self._tools.ledger.write(desired.instance_id, self._applied)

    def _note(self, desired: Desired, step: Step = Step.REPORT, *, error: str | None = None) -> None:
        self._applied = noted(self._applied, desired, self._tools.session, step, error=error)
        self._tools.ledger.write(desired.instance_id, self._applied)

    async def _report(self, desired: Desired, actual: Actual | None) -> bool:
        error = None
        if self._applied is not None and self._applied.generation == desired.generation:
            error = self._applied.error
        if desired.want is not Want.ABSENT and (
            self._applied is None or self._applied.generation != desired.generation
        ):
            self._note(desired)  # it is as wanted: from now on a change is the guest's own
        seen = Observation(
            instance_id=desired.instance_id,
            generation=desired.generation,
            exists=actual is not None,
            power=PowerState.NOSTATE if actual is None else actual.power,
            stop_reason=self._stop_reason or (None if actual is None else actual.stop_reason),
            error=error,
            stages=self._stages,
            rescued=actual is not None and actual.rescued,
        )
        if seen == self._reported:
            return True
        if not await self._tools.report(seen):
            return False
        self._reported = seen
        return True


class Stopwatch:
    """How long each stage of a build took. Called as each begins."""

    def __init__(self) -> None:
        self._stages: dict[str, float] = {}
        self._stage = ""
        self._since = time.perf_counter()

    def __call__(self, stage: str) -> None:
        """A stage begins."""
        self._end()
        self._stage = stage

    def done(self) -> dict[str, float]:
        """Stage → seconds."""
        self._end()
        return self._stages

    def _end(self) -> None:
        now = time.perf_counter()
        if self._stage:
            self._stages[self._stage] = round(now - self._since, 4)
        self._since = now


def observation_document(seen: Observation) -> dict[str, Any]:
    """What is sent of an observation."""
    return {
        "instance_id": seen.instance_id,
        "generation": seen.generation,
        "exists": seen.exists,
        "power": int(seen.power),
        "settled": seen.settled,
        "stop_reason": None if seen.stop_reason is None else str(seen.stop_reason),
        "error": seen.error,
        "stages": dict(seen.stages),
        "rescued": seen.rescued,
    }
