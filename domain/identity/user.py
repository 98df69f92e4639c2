"""The user: somebody who can log in."""

from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import NotFound

DETAILS = ("name", "description", "email", "default_project_id")
"""What can be changed of a user."""


class User(Aggregate):
    """Somebody who can log in."""

    TOPIC: ClassVar[str] = "chronova.user"
    KIND: ClassVar[str] = "user"

    name: str

    def __init__(self) -> None:
        self.roles: dict[str, list[str]] = {}  # project id → role names
        self.description: str | None = None
        self.email: str | None = None
        self.default_project_id: str | None = None
        self.enabled = True
        self.is_deleted = False


class UserCreated(Created):
    """A user was made."""

    TOPIC: ClassVar[str] = "chronova.user.created.v1"

    name: str

    def apply(self, aggregate: User) -> None:
        """It is known."""
        aggregate.name = self.name


class UserChanged(Event):
    """A user was given another name, or something else is said of it."""

    TOPIC: ClassVar[str] = "chronova.user.changed.v1"

    name: str
    description: str | None
    email: str | None
    default_project_id: str | None

    def apply(self, aggregate: User) -> None:
        """It is known so."""
        for detail in DETAILS:
            setattr(aggregate, detail, getattr(self, detail))


class UserEnabled(Event):
    """A user may log in again."""

    TOPIC: ClassVar[str] = "chronova.user.enabled.v1"

    def apply(self, aggregate: User) -> None:
        """It is given tokens."""
        aggregate.enabled = True


class UserDisabled(Event):
    """An administrator locked a user out."""

    TOPIC: ClassVar[str] = "chronova.user.disabled.v1"

    def apply(self, aggregate: User) -> None:
        """It is given no token, and those that it was given have ended."""
        aggregate.enabled = False


class PasswordChanged(Event):
    """A user has another password. What it is, the log does not know."""

    TOPIC: ClassVar[str] = "chronova.user.password-changed.v1"

    def apply(self, aggregate: User) -> None:
        """The tokens that it was given have ended."""


class UserDeleted(Event):
    """A user is no more."""

    TOPIC: ClassVar[str] = "chronova.user.deleted.v1"

    def apply(self, aggregate: User) -> None:
        """It cannot log in, it has no role anywhere, and its tokens have ended."""
        aggregate.is_deleted = True
        aggregate.roles = {}


def create_user(
    user_id: str,
    *,
    name: str,
    description: str | None = None,
    email: str | None = None,
    default_project_id: str | None = None,
    enabled: bool = True,
    at: datetime,
) -> User:
    """A new user, without a role yet. That its name is unique is seen to by `domain/identity/name.py`."""
    user = User.begin(UserCreated, aggregate_id=user_id, name=name, at=at)
    details = {"description": description, "email": email, "default_project_id": default_project_id}
    change_user(user, details, enabled=enabled, at=at)
    return user


def change_user(user: User, details: dict[str, Any], *, enabled: bool | None = None, at: datetime) -> None:
    """Change the details that are named and differ. Raises NotFound for a deleted user."""
    require_user(user)
    before = {detail: getattr(user, detail) for detail in DETAILS}
    after = before | {detail: details[detail] for detail in DETAILS if detail in details}
    if after != before:
        user.record(UserChanged, **after, at=at)
    if enabled is not None and enabled != user.enabled:
        user.record(UserEnabled if enabled else UserDisabled, at=at)


def password_changed(user: User, *, at: datetime) -> None:
    """Record that there is another password. Raises NotFound for a deleted user."""
    require_user(user)
    user.record(PasswordChanged, at=at)


def delete_user(user: User, *, at: datetime) -> None:
    """End it. Raises NotFound for a deleted one."""
    require_user(user)
    user.record(UserDeleted, at=at)


def require_user(user: User) -> None:
    """Pass one that is not deleted. Raises NotFound."""
    if user.is_deleted:
        raise NotFound(f"Could not find user: {user.id}.")
