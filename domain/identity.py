"""Projects and users: who may act where. Passwords are not in the log, nor are their hashes."""

from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event


class Project(Aggregate):
    """A tenant: what owns instances, images and networks."""

    TOPIC: ClassVar[str] = "chronova.project"
    KIND: ClassVar[str] = "project"

    name: str
    description: str

    def __init__(self) -> None:
        self.limits: dict[str, int] = {}  # of its own: domain/project/quota.py
        self.reservations: dict[str, dict[str, int]] = {}  # what each thing of it takes: domain/project/usage.py
        self.usage: dict[str, int] = {}  # the sum of all reservations


class ProjectCreated(Created):
    """A project was made."""

    TOPIC: ClassVar[str] = "chronova.project.created.v1"

    name: str
    description: str

    def apply(self, aggregate: Project) -> None:
        """It can be used."""
        aggregate.name, aggregate.description = self.name, self.description


class User(Aggregate):
    """Somebody who can log in."""

    TOPIC: ClassVar[str] = "chronova.user"
    KIND: ClassVar[str] = "user"

    name: str

    def __init__(self) -> None:
        self.roles: dict[str, list[str]] = {}  # project id → role names


class UserCreated(Created):
    """A user was made."""

    TOPIC: ClassVar[str] = "chronova.user.created.v1"

    name: str

    def apply(self, aggregate: User) -> None:
        """It is known."""
        aggregate.name = self.name


class RoleGranted(Event):
    """A user may act in a project in a role: admin, member or reader."""

    TOPIC: ClassVar[str] = "chronova.user.role-granted.v1"

    project_id: str
    role: str

    def apply(self, aggregate: User) -> None:
        """It may."""
        aggregate.roles.setdefault(self.project_id, []).append(self.role)


def create_project(project_id: str, *, name: str, at: datetime, description: str = "") -> Project:
    """A new project."""
    return Project.begin(ProjectCreated, aggregate_id=project_id, name=name, description=description, at=at)


def create_user(user_id: str, *, name: str, at: datetime) -> User:
    """A new user, without a role yet."""
    return User.begin(UserCreated, aggregate_id=user_id, name=name, at=at)


def grant(user: User, *, project_id: str, role: str, at: datetime) -> None:
    """Let the user act in a project; nothing when it may already."""
    if role not in user.roles.get(project_id, []):
        user.record(RoleGranted, project_id=project_id, role=role, at=at)
