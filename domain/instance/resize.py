"""Resize and cold migration: the guest is shut down, goes to another host, and waits there to be confirmed or reverted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import Arrival, Want
from domain.instance.instance import Instance, InstanceEvent, Move, MoveKind
from domain.instance.legality import Action, require_legal
from domain.instance.move import former_want
from domain.instance.state import PowerState, Task, VmState


class ResizeRequested(InstanceEvent):
    """A user asked for another flavor."""

    TOPIC: ClassVar[str] = "chronova.instance.resize-requested.v1"

    flavor: dict[str, Any]

    def apply(self, aggregate: Instance) -> None:
        """The scheduler has work."""
        aggregate.task = Task.RESIZE_PREP
        aggregate.move = Move(MoveKind.RESIZE, former_want(aggregate), new_flavor=self.flavor)


class MigrationRequested(InstanceEvent):
    """An administrator asked for another host."""

    TOPIC: ClassVar[str] = "chronova.instance.migration-requested.v1"

    host: str | None  # None: any other

    def apply(self, aggregate: Instance) -> None:
        """The scheduler has work."""
        aggregate.task = Task.RESIZE_PREP
        aggregate.move = Move(MoveKind.MIGRATE, former_want(aggregate), asked=self.host)


class GuestParked(InstanceEvent):
    """The guest is off on its old host, and stays there until the resize is confirmed or reverted."""

    TOPIC: ClassVar[str] = "chronova.instance.guest-parked.v1"

    host: str

    def apply(self, aggregate: Instance) -> None:
        """It lives on its new host now, which has work."""
        move = aggregate.move
        if move is None:
            return
        aggregate.parked, aggregate.host, aggregate.arrival = self.host, move.target, Arrival.MOVED
        if move.new_flavor is not None:
            aggregate.move = move.keeping(aggregate.flavor)
            aggregate.flavor = move.new_flavor
        aggregate.task = Task.RESIZE_FINISH
        aggregate.wants(move.former)


class InstanceResized(InstanceEvent):
    """The guest is on its new host."""

    TOPIC: ClassVar[str] = "chronova.instance.resized.v1"

    def apply(self, aggregate: Instance) -> None:
        """It waits to be confirmed or reverted."""
        aggregate.vm_state, aggregate.task, aggregate.arrival = VmState.RESIZED, None, None
        aggregate.power = PowerState.SHUTDOWN if aggregate.want is Want.SHUTDOWN else PowerState.RUNNING
        aggregate.fault = None


class ResizeConfirmed(InstanceEvent):
    """A user is content with the new host and flavor."""

    TOPIC: ClassVar[str] = "chronova.instance.resize-confirmed.v1"

    def apply(self, aggregate: Instance) -> None:
        """Nothing may be left on the old host."""
        if aggregate.parked is not None:
            aggregate.leave(aggregate.parked)
        aggregate.settle_move()
        off = aggregate.want is Want.SHUTDOWN
        aggregate.vm_state = VmState.STOPPED if off else VmState.ACTIVE
        aggregate.wants(aggregate.want)


class ResizeRevertRequested(InstanceEvent):
    """A user wants the old host and flavor back."""

    TOPIC: ClassVar[str] = "chronova.instance.resize-revert-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """It lives on its old host again, where it may start as soon as nothing is left on the new one."""
        move = aggregate.move
        aggregate.task = Task.RESIZE_REVERTING
        if aggregate.host is not None:
            aggregate.leave(aggregate.host)
        aggregate.host, aggregate.parked = aggregate.parked, None
        if move is not None and move.old_flavor is not None:
            aggregate.flavor = move.old_flavor
        aggregate.wants(Want.PARKED)


class ResizeReverted(InstanceEvent):
    """The guest is on its old host as it was."""

    TOPIC: ClassVar[str] = "chronova.instance.resize-reverted.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is as before."""
        aggregate.settle_move()
        off = aggregate.want is Want.SHUTDOWN
        aggregate.vm_state, aggregate.task = (VmState.STOPPED if off else VmState.ACTIVE), None
        aggregate.power = PowerState.SHUTDOWN if off else PowerState.RUNNING
        aggregate.fault = None


def resize(instance: Instance, *, flavor: Mapping[str, Any], at: datetime) -> None:
    """Ask for another flavor. Raises IllegalInState. Source: compute API reference, `resize`."""
    require_legal(instance, Action.RESIZE)
    instance.record(ResizeRequested, flavor=dict(flavor), at=at)


def migrate(instance: Instance, *, host: str | None, at: datetime) -> None:
    """Ask for another host. Raises IllegalInState. Source: compute API reference, `migrate`."""
    require_legal(instance, Action.MIGRATE)
    instance.record(MigrationRequested, host=host, at=at)


def confirm_resize(instance: Instance, *, at: datetime) -> None:
    """Be content. Raises IllegalInState. Source: compute API reference, `confirmResize`."""
    require_legal(instance, Action.CONFIRM_RESIZE)
    instance.record(ResizeConfirmed, at=at)


def revert_resize(instance: Instance, *, at: datetime) -> None:
    """Ask for everything to be as before. Raises IllegalInState. Source: compute API reference, `revertResize`."""
    require_legal(instance, Action.REVERT_RESIZE)
    instance.record(ResizeRevertRequested, at=at)
