"""Endings: which events end tokens before their time, and whose. One rule for all of them, without a clock (ADR 0017).

A token says at which position of the log it was given: how much of the log was known when its user, project and roles were
looked up. An event that ends tokens ends those that were given before it, and that stand for what it is about.
"""

from collections.abc import Callable, Mapping

from domain.aggregate import Event
from domain.identity.credential import CredentialDeleted
from domain.identity.project import ProjectDeleted, ProjectDisabled
from domain.identity.role import RoleRevoked
from domain.identity.token import TokenRevoked
from domain.identity.user import PasswordChanged, UserDeleted, UserDisabled
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import endings
from projections.writes import Writes


def of_user(user_id: str) -> str:
    """All tokens of a user."""
    return f"user/{user_id}"


def of_project(project_id: str) -> str:
    """All tokens for a project."""
    return f"project/{project_id}"


def of_grant(user_id: str, project_id: str) -> str:
    """All tokens of a user for a project."""
    return f"grant/{user_id}/{project_id}"


def of_credential(credential_id: str) -> str:
    """All tokens that were given for an application credential."""
    return f"credential/{credential_id}"


def of_token(audit_id: str) -> str:
    """One token."""
    return f"token/{audit_id}"


ENDS: Mapping[type[Event], Callable[[Event], str]] = {
    UserDisabled: lambda event: of_user(event.originator_id),
    UserDeleted: lambda event: of_user(event.originator_id),
    PasswordChanged: lambda event: of_user(event.originator_id),
    RoleRevoked: lambda event: of_grant(event.originator_id, event.project_id),  # type: ignore[attr-defined]
    ProjectDisabled: lambda event: of_project(event.originator_id),
    ProjectDeleted: lambda event: of_project(event.originator_id),
    CredentialDeleted: lambda event: of_credential(event.originator_id),
    TokenRevoked: lambda event: of_token(event.originator_id),
}
"""Event → the key of the tokens that it ends."""


def ending_rows(_folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row for each key: the newest event that ended its tokens."""
    key = ENDS.get(type(recorded.event))
    if key is not None:
        writes.put(endings, {"key": key(recorded.event), "position": recorded.position, "at": recorded.time})
