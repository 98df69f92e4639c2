"""The project: what owns instances, images and networks."""

from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import NotFound


class Project(Aggregate):
    """A tenant: what owns instances, images and networks."""

    TOPIC: ClassVar[str] = "chronova.project"
    KIND: ClassVar[str] = "project"

    name: str
    description: str

    def __init__(self) -> None:
        self.enabled = True
        self.is_deleted = False
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


class ProjectChanged(Event):
    """A project was given another name or description."""

    TOPIC: ClassVar[str] = "chronova.project.changed.v1"

    name: str
    description: str

    def apply(self, aggregate: Project) -> None:
        """It is called so."""
        aggregate.name, aggregate.description = self.name, self.description


class ProjectEnabled(Event):
    """A project may be used again."""

    TOPIC: ClassVar[str] = "chronova.project.enabled.v1"

    def apply(self, aggregate: Project) -> None:
        """Tokens are given for it."""
        aggregate.enabled = True


class ProjectDisabled(Event):
    """An administrator closed a project. What it owns goes on running."""

    TOPIC: ClassVar[str] = "chronova.project.disabled.v1"

    def apply(self, aggregate: Project) -> None:
        """No token is given for it, and those that were given have ended."""
        aggregate.enabled = False


class ProjectDeleted(Event):
    """A project is no more. What it owned stays, for administrators to deal with."""

    TOPIC: ClassVar[str] = "chronova.project.deleted.v1"

    def apply(self, aggregate: Project) -> None:
        """It cannot be used any more, and its tokens have ended."""
        aggregate.is_deleted = True


def create_project(project_id: str, *, name: str, at: datetime, description: str = "") -> Project:
    """A new project. That its name is unique is seen to by `domain/identity/name.py`."""
    return Project.begin(ProjectCreated, aggregate_id=project_id, name=name, description=description, at=at)


def change_project(
    project: Project,
    *,
    name: str | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    at: datetime,
) -> None:
    """Change what is not None and differs. Raises NotFound for a deleted one."""
    require_project(project)
    changed = (project.name if name is None else name, project.description if description is None else description)
    if changed != (project.name, project.description):
        project.record(ProjectChanged, name=changed[0], description=changed[1], at=at)
    if enabled is not None and enabled != project.enabled:
        project.record(ProjectEnabled if enabled else ProjectDisabled, at=at)


def delete_project(project: Project, *, at: datetime) -> None:
    """End it. Raises NotFound for a deleted one."""
    require_project(project)
    project.record(ProjectDeleted, at=at)


def require_project(project: Project) -> None:
    """Pass one that is not deleted. Raises NotFound."""
    if project.is_deleted:
        raise NotFound(f"Could not find project: {project.id}.")
