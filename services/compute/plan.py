"""The plan: desired against actual. The one next idempotent step that brings the hypervisor nearer to what is wanted."""

from dataclasses import dataclass
from enum import Enum, auto

from domain.instance.desired import Desired, Want
from domain.instance.state import PowerState
from services.compute.hypervisor import Actual
from services.compute.ledger import Applied

OFF = frozenset({PowerState.SHUTDOWN, PowerState.CRASHED})


class Step(Enum):
    """What the agent does next."""

    BUILD = auto()
    START = auto()
    SHUT_DOWN = auto()
    REBOOT = auto()
    DESTROY = auto()
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


def plan(known: Known) -> Step:  # noqa: PLR0911 -- one return a rule reads best
    """The next step. Pure: tested by table and by property.

    What the user last asked for is brought about once; a guest that stops by itself later is reported and left off, one that
    runs though it should not is shut down.
    """
    desired, actual = known.desired, known.actual
    if desired.want is Want.ABSENT:
        # Also with no guest to be seen: a build that was cut short may have left files.
        return Step.DESTROY if actual is not None or known.applied is not None else Step.REPORT
    if known.is_applied and known.applied is not None and known.applied.error is not None:
        return Step.REPORT
    if actual is None:
        return Step.REPORT if desired.launched or known.is_applied else Step.BUILD
    if desired.want is Want.SHUTDOWN:
        return Step.REPORT if actual.power in OFF else Step.SHUT_DOWN
    restarts = 0 if known.applied is None else known.applied.restarts
    if known.applied is not None and restarts < desired.restarts.count:
        return Step.REBOOT
    if actual.power in OFF and not known.is_applied:
        return Step.START
    return Step.REPORT
