"""Steps that are one call to the hypervisor: which call each is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from domain.instance.desired import Desired, GuestSpec
from services.compute.hypervisor import Hypervisor, HypervisorError
from services.compute.plan import Step

Call: TypeAlias = Callable[[Hypervisor, Desired, float], Awaitable[None]]
"""The hypervisor, what is wanted, and the seconds that a guest has to shut down by itself."""

CALLS: Mapping[Step, Call] = {
    Step.START: lambda hypervisor, desired, _: hypervisor.start(desired.instance_id),
    Step.SHUT_DOWN: lambda hypervisor, desired, grace: hypervisor.shut_down(desired.instance_id, grace),
    Step.PARK: lambda hypervisor, desired, grace: hypervisor.park(desired.instance_id, grace),
    Step.REBOOT: lambda hypervisor, desired, grace: hypervisor.reboot(
        desired.instance_id, hard=desired.restarts.hard, grace=grace
    ),
    Step.PAUSE: lambda hypervisor, desired, _: hypervisor.pause(desired.instance_id),
    Step.UNPAUSE: lambda hypervisor, desired, _: hypervisor.unpause(desired.instance_id),
    Step.SUSPEND: lambda hypervisor, desired, _: hypervisor.suspend(desired.instance_id),
    Step.RESUME: lambda hypervisor, desired, _: hypervisor.resume(desired.instance_id),
    Step.UNRESCUE: lambda hypervisor, desired, grace: hypervisor.unrescue(spec_of(desired), grace),
    Step.SET_PASSWORD: lambda hypervisor, desired, _: hypervisor.set_password(
        desired.instance_id, spec_of(desired).admin_password or ""
    ),
    Step.PLUG: lambda hypervisor, desired, _: hypervisor.plug(spec_of(desired)),
    Step.DUMP: lambda hypervisor, desired, _: hypervisor.trigger_crash_dump(desired.instance_id),
}


def spec_of(desired: Desired) -> GuestSpec:
    """The guest to build. Raises HypervisorError when none came with what is wanted."""
    if desired.spec is None:
        raise HypervisorError("There is nothing to build from.")
    return desired.spec
