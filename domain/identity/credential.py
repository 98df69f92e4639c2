"""The application credential: a second, narrower way to log in as a user, for a program. Its secret is not in the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import NotFound


class Credential(Aggregate):
    """An application credential of a user, good for one project and some of the user's roles there."""

    TOPIC: ClassVar[str] = "chronova.credential"
    KIND: ClassVar[str] = "credential"

    user_id: str
    project_id: str
    name: str
    description: str | None
    roles: list[str]
    expires_at: str | None  # RFC 3339, in UTC
    unrestricted: bool

    def __init__(self) -> None:
        self.is_deleted = False


class CredentialCreated(Created):
    """A user made an application credential."""

    TOPIC: ClassVar[str] = "chronova.credential.created.v1"

    user_id: str
    project_id: str
    name: str
    description: str | None
    roles: list[str]
    expires_at: str | None  # RFC 3339, in UTC
    unrestricted: bool  # whether it may make others

    def apply(self, aggregate: Credential) -> None:
        """It can be used."""
        aggregate.user_id, aggregate.project_id = self.user_id, self.project_id
        aggregate.name, aggregate.description = self.name, self.description
        aggregate.roles = list(self.roles)
        aggregate.expires_at, aggregate.unrestricted = self.expires_at, self.unrestricted


class CredentialDeleted(Event):
    """It was taken back."""

    TOPIC: ClassVar[str] = "chronova.credential.deleted.v1"

    def apply(self, aggregate: Credential) -> None:
        """It cannot be used any more, and its tokens have ended."""
        aggregate.is_deleted = True


def create_credential(
    credential_id: str,
    *,
    user_id: str,
    project_id: str,
    name: str,
    description: str | None,
    roles: Sequence[str],
    expires_at: datetime | None,
    unrestricted: bool,
    at: datetime,
) -> Credential:
    """A new application credential."""
    return Credential.begin(
        CredentialCreated,
        aggregate_id=credential_id,
        user_id=user_id,
        project_id=project_id,
        name=name,
        description=description,
        roles=sorted(roles),
        expires_at=None if expires_at is None else expires_at.isoformat(),
        unrestricted=unrestricted,
        at=at,
    )


def delete_credential(credential: Credential, *, at: datetime) -> None:
    """Take it back. Raises NotFound for a deleted one."""
    if credential.is_deleted:
        raise NotFound(f"Could not find Application Credential: {credential.id}.")
    credential.record(CredentialDeleted, at=at)
