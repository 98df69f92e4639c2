"""Password: the administrator's password in the guest is changed.

The log says that it was, and nothing of the password: even a digest of one that a person chose could be guessed.
"""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import ErrandKind
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import Task


class PasswordChangeRequested(InstanceEvent):
    """A user asked for another password in the guest; it is kept in SECRETS."""

    TOPIC: ClassVar[str] = "chronova.instance.password-change-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.UPDATING_PASSWORD
        aggregate.wants(aggregate.want)
        aggregate.errand = {"kind": ErrandKind.PASSWORD.value}


class PasswordChanged(InstanceEvent):
    """The guest has the new password."""

    TOPIC: ClassVar[str] = "chronova.instance.password-changed.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is as before."""
        aggregate.task, aggregate.errand = None, None


def change_password(instance: Instance, *, at: datetime) -> None:
    """Ask for the password to be changed. Raises IllegalInState. Source: compute API reference, `changePassword`."""
    require_legal(instance, Action.CHANGE_PASSWORD)
    instance.record(PasswordChangeRequested, at=at)
