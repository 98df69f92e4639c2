"""The plan: desired against actual. The one next idempotent step that brings the hypervisor nearer to what is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from domain.instance.desired import Arrival, Desired, Errand, ErrandKind, Want
from domain.instance.state import PowerState
from services.compute.hypervisor import Actual
from services.compute.ledger import Applied

OFF = frozenset({PowerState.SHUTDOWN, PowerState.CRASHED})


class Step(Enum):
    """What the agent does next."""

    BUILD = auto()
    REBUILD = auto()
    RECEIVE = auto()
    PARK = auto()
    START = auto()
    SHUT_DOWN = auto()
    REBOOT = auto()
    PAUSE = auto()
    UNPAUSE = auto()
    SUSPEND = auto()
    RESUME = auto()
    RESCUE = auto()
    UNRESCUE = auto()
    SET_PASSWORD = auto()
    UPLOAD_IMAGE = auto()
    DUMP = auto()
    DESTROY = auto()
    PLUG = auto()
    REPORT = auto()  # nothing is left to do: say what is


@dataclass(frozen=True, slots=True)
class Known:
    """What the agent knows of one instance when it plans."""

    desired: Desired
    actual: Actual | None
    applied: Applied | None
    session: str

    @property
    def is_applied(self) -> bool:
        """Whether this generation was brought about in this session of the host."""
        applied = self.applied
        return (
            applied is not None
            and applied.generation == self.desired.generation
            and (applied.session == self.session or applied.error is not None)
        )

    @property
    def gave_up(self) -> bool:
        """Whether this generation could not be brought about."""
        return self.is_applied and self.applied is not None and self.applied.error is not None

    @property
    def errand(self) -> Errand | None:
        """What is still to be done once."""
        done = self.applied is not None and self.applied.errand == self.desired.generation
        return None if done else self.desired.errand

    @property
    def stopped_by_itself(self) -> bool:
        """Whether a guest that is off went off in this session, so that nothing but a wish to start it starts it."""
        return self.applied is not None and self.applied.session == self.session


AT_REST: Mapping[Want, frozenset[PowerState]] = {
    Want.RUNNING: frozenset({PowerState.RUNNING}),
    Want.RESCUED: frozenset({PowerState.RUNNING}),
    Want.PAUSED: frozenset({PowerState.PAUSED}),
    Want.SUSPENDED: frozenset({PowerState.SUSPENDED}),
    Want.SHUTDOWN: OFF,
    Want.PARKED: OFF,
}
"""The power states in which a guest is as wanted."""

ALWAYS: Mapping[Want, Mapping[PowerState, Step]] = {
    Want.SHUTDOWN: dict.fromkeys((PowerState.RUNNING, PowerState.PAUSED, PowerState.SUSPENDED), Step.SHUT_DOWN),
    Want.PARKED: dict.fromkeys((PowerState.RUNNING, PowerState.PAUSED, PowerState.SUSPENDED), Step.PARK),
    Want.PAUSED: {PowerState.RUNNING: Step.PAUSE},
    Want.SUSPENDED: {PowerState.RUNNING: Step.SUSPEND},
}
"""Steps against a guest that does more than it should: taken whenever that is seen."""

ONCE: Mapping[PowerState, Step] = {
    PowerState.SHUTDOWN: Step.START,
    PowerState.CRASHED: Step.START,
    PowerState.PAUSED: Step.UNPAUSE,
    PowerState.SUSPENDED: Step.RESUME,
}
"""Steps towards a guest that runs: taken once for a generation, because a guest may stop by itself."""

ERRANDS: Mapping[ErrandKind, Step] = {
    ErrandKind.REBUILD: Step.REBUILD,
    ErrandKind.PASSWORD: Step.SET_PASSWORD,
    ErrandKind.SNAPSHOT: Step.UPLOAD_IMAGE,
}


def plan(known: Known) -> Step:
    """The next step. Pure: tested by table and by property.

    What the user last asked for is brought about once; a guest that stops by itself later is reported and left off, one that
    does more than it should is held back.
    """
    desired, actual = known.desired, known.actual
    if desired.want is Want.ABSENT:
        # Also with no guest to be seen: a build that was cut short may have left files.
        return Step.DESTROY if actual is not None or known.applied is not None else Step.REPORT
    if known.gave_up:
        return Step.REPORT
    if known.errand is not None and known.errand.kind is ErrandKind.REBUILD:
        return Step.REBUILD  # also with no guest to be seen: the last attempt may have been cut short
    if actual is None:
        return _missing(known)
    return _mode(known, actual) or _power(known, actual) or _once(known) or _cards(known, actual) or Step.REPORT


def _cards(known: Known, actual: Actual) -> Step | None:
    """Network cards come last: the guest must be as it is wanted first."""
    desired = known.desired
    if actual.cards is None or desired.spec is None or desired.want not in PLUGGABLE:
        return None
    return None if actual.cards == {nic.mac for nic in desired.spec.nics} else Step.PLUG


PLUGGABLE = frozenset({Want.RUNNING, Want.PAUSED, Want.SHUTDOWN})


def _missing(known: Known) -> Step:
    """There is no guest: it is still to come, or it is lost."""
    if known.is_applied:
        return Step.REPORT
    match known.desired.arrival:
        case Arrival.MOVED:
            return Step.RECEIVE
        case Arrival.BUILT:
            return Step.BUILD
        case None:
            return Step.REPORT if known.desired.launched else Step.BUILD


def _mode(known: Known, actual: Actual) -> Step | None:
    """From its own disk to the rescue image, and back."""
    if known.desired.want is Want.RESCUED:
        return None if actual.rescued else Step.RESCUE
    return Step.UNRESCUE if actual.rescued else None


def _power(known: Known, actual: Actual) -> Step | None:
    desired, applied = known.desired, known.applied
    if step := ALWAYS.get(desired.want, {}).get(actual.power):
        return step
    if desired.want is Want.RUNNING and applied is not None and applied.restarts < desired.restarts.count:
        return Step.REBOOT
    if known.is_applied or actual.power in AT_REST[desired.want]:
        return None
    step = ONCE.get(actual.power)
    # Nobody asked for this guest to be started: not by pausing it, nor by an errand.
    wanted_on = desired.want is Want.RUNNING and known.desired.errand is None
    return None if step is Step.START and known.stopped_by_itself and not wanted_on else step


def _once(known: Known) -> Step | None:
    if known.errand is not None:
        return ERRANDS[known.errand.kind]
    if known.applied is not None and known.applied.dumps < known.desired.dumps:
        return Step.DUMP
    return None


def noted(before: Applied | None, desired: Desired, session: str, step: Step, *, error: str | None = None) -> Applied:
    """What the ledger says after a step, or after the step that could not be taken."""
    done = error is None
    return Applied(
        generation=desired.generation,
        restarts=desired.restarts.count,
        session=session,
        error=error,
        errand=desired.generation if done and step in ERRANDS.values() else (before.errand if before else 0),
        dumps=desired.dumps if before is None or (done and step is Step.DUMP) else before.dumps,
    )


def begun(before: Applied | None, desired: Desired, session: str) -> Applied:
    """What the ledger says while a guest is being made: it is not known yet at which generation it will be."""
    return replace(noted(before, desired, session, Step.REPORT), generation=0)
