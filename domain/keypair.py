"""The key pair: a user's public key, under a name. Private keys are never kept."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict

NAMESPACE = UUID("6f3b2c1e-4c0e-4f57-9a55-6d0a7d0f3a10")


def keypair_id(user_id: str, name: str) -> str:
    """The aggregate's id: one for each name of a user, so that two requests for one name meet in the log."""
    return str(uuid5(NAMESPACE, f"{user_id}/{name}"))


class KeyPair(Aggregate):
    """A public key that instances can be given. A name can be used again after its key is deleted."""

    TOPIC: ClassVar[str] = "chronova.keypair"
    KIND: ClassVar[str] = "keypair"

    user_id: str
    name: str
    type: str  # ssh | x509
    public_key: str
    fingerprint: str

    def __init__(self) -> None:
        self.is_deleted = False


class KeyPairImported(Created):
    """A user gave a public key a name."""

    TOPIC: ClassVar[str] = "chronova.keypair.imported.v1"

    user_id: str
    name: str
    type: str
    public_key: str
    fingerprint: str

    def apply(self, aggregate: KeyPair) -> None:
        """It can be used."""
        aggregate.user_id, aggregate.name = self.user_id, self.name
        aggregate.type, aggregate.public_key, aggregate.fingerprint = self.type, self.public_key, self.fingerprint


class KeyPairReplaced(Event):
    """A name whose key was deleted got another one."""

    TOPIC: ClassVar[str] = "chronova.keypair.replaced.v1"

    type: str
    public_key: str
    fingerprint: str

    def apply(self, aggregate: KeyPair) -> None:
        """It can be used again."""
        aggregate.type, aggregate.public_key, aggregate.fingerprint = self.type, self.public_key, self.fingerprint
        aggregate.is_deleted = False


class KeyPairDeleted(Event):
    """It is offered no longer; instances that have it keep it."""

    TOPIC: ClassVar[str] = "chronova.keypair.deleted.v1"

    def apply(self, aggregate: KeyPair) -> None:
        """It is gone."""
        aggregate.is_deleted = True


def import_key(
    *, user_id: str, name: str, public_key: str, fingerprint: str, at: datetime, key_type: str = "ssh"
) -> KeyPair:
    """A new key pair. Source: compute API reference, "Import (or create) Keypair"."""
    return KeyPair.begin(
        KeyPairImported,
        aggregate_id=keypair_id(user_id, name),
        at=at,
        user_id=user_id,
        name=name,
        type=key_type,
        public_key=public_key,
        fingerprint=fingerprint,
    )


def import_again(pair: KeyPair, *, public_key: str, fingerprint: str, key_type: str = "ssh", at: datetime) -> None:
    """Give a name that was used before another key. Raises Conflict while it is in use."""
    if not pair.is_deleted:
        raise Conflict(f"Key pair '{pair.name}' already exists.")
    pair.record(KeyPairReplaced, type=key_type, public_key=public_key, fingerprint=fingerprint, at=at)


def delete_key(pair: KeyPair, *, at: datetime) -> None:
    """Delete it; nothing when it is gone."""
    if not pair.is_deleted:
        pair.record(KeyPairDeleted, at=at)
