"""Roles: as what a user may act in a project, and which role brings which others with it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import NotFound
from domain.identity.user import User, require_user

IMPLIED_ROLES: Mapping[str, tuple[str, ...]] = {
    "admin": ("admin", "manager", "member", "reader"),
    "manager": ("manager", "member", "reader"),
    "member": ("member", "reader"),
    "reader": ("reader",),
    "service": ("service",),
}
"""The roles that there are, each with all that it brings with it: as Keystone makes them at its first start."""


class RoleGranted(Event):
    """A user may act in a project in a role."""

    TOPIC: ClassVar[str] = "chronova.user.role-granted.v1"

    project_id: str
    role: str

    def apply(self, aggregate: User) -> None:
        """It may."""
        aggregate.roles.setdefault(self.project_id, []).append(self.role)


class RoleRevoked(Event):
    """A user may no longer act in a project in a role."""

    TOPIC: ClassVar[str] = "chronova.user.role-revoked.v1"

    project_id: str
    role: str

    def apply(self, aggregate: User) -> None:
        """It may not, and its tokens for the project have ended."""
        left = [role for role in aggregate.roles[self.project_id] if role != self.role]
        if left:
            aggregate.roles[self.project_id] = left
        else:
            del aggregate.roles[self.project_id]


def grant(user: User, *, project_id: str, role: str, at: datetime) -> None:
    """Let the user act in a project; nothing when it may already. Raises NotFound for a deleted user."""
    require_user(user)
    if role not in user.roles.get(project_id, []):
        user.record(RoleGranted, project_id=project_id, role=role, at=at)


def revoke(user: User, *, project_id: str, role: str, at: datetime) -> None:
    """Take a role away. Raises NotFound when the user has not been granted it."""
    require_user(user)
    if role not in user.roles.get(project_id, []):
        raise NotFound(f"Could not find role assignment with role: {role}, user: {user.id}, project: {project_id}.")
    user.record(RoleRevoked, project_id=project_id, role=role, at=at)


def effective_roles(granted: Iterable[str]) -> tuple[str, ...]:
    """The granted roles with all that they imply, sorted."""
    return tuple(sorted({implied for role in granted for implied in IMPLIED_ROLES.get(role, (role,))}))
