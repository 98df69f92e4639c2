"""Authority: which service may append which event. One table, read by whoever appends, audits, or documents (ADR 0009).

A row says who has ever been allowed to append that version of the event. So a row may gain a service, and never loses one: a
log that was right when it was written stays right. What a service is to append no longer gets a new version.
"""

from collections.abc import Mapping
from enum import StrEnum


class Source(StrEnum):
    """A service, as `ce-source` names it."""

    API = "chronova/api"
    SCHEDULER = "chronova/scheduler"
    CONDUCTOR = "chronova/conductor"
    FIRST_START = "chronova/first-start"  # what a region has from its first start on


API, SCHEDULER, CONDUCTOR, FIRST_START = Source.API, Source.SCHEDULER, Source.CONDUCTOR, Source.FIRST_START

MAY_APPEND: Mapping[str, frozenset[Source]] = {
    "chronova.flavor.created.v1": frozenset({API, FIRST_START}),
    "chronova.flavor.deleted.v1": frozenset({API}),
    "chronova.project.created.v1": frozenset({API, FIRST_START}),
    "chronova.project.changed.v1": frozenset({API}),
    "chronova.project.enabled.v1": frozenset({API}),
    "chronova.project.disabled.v1": frozenset({API}),
    "chronova.project.deleted.v1": frozenset({API}),
    "chronova.user.created.v1": frozenset({API, FIRST_START}),
    "chronova.user.changed.v1": frozenset({API}),
    "chronova.user.enabled.v1": frozenset({API}),
    "chronova.user.disabled.v1": frozenset({API}),
    "chronova.user.password-changed.v1": frozenset({API, FIRST_START}),
    "chronova.user.role-granted.v1": frozenset({API, FIRST_START}),
    "chronova.user.role-revoked.v1": frozenset({API}),
    "chronova.user.deleted.v1": frozenset({API}),
    "chronova.name.taken.v1": frozenset({API, FIRST_START}),
    "chronova.name.taken-again.v1": frozenset({API, FIRST_START}),
    "chronova.name.released.v1": frozenset({API}),
    "chronova.credential.created.v1": frozenset({API}),
    "chronova.credential.deleted.v1": frozenset({API}),
    "chronova.token.revoked.v1": frozenset({API}),
    "chronova.image.created.v1": frozenset({API, FIRST_START}),
    "chronova.image.uploaded.v1": frozenset({API, FIRST_START}),
    "chronova.image.deleted.v1": frozenset({API, CONDUCTOR}),  # the conductor: when nothing comes of a snapshot
    "chronova.keypair.imported.v1": frozenset({API}),
    "chronova.keypair.replaced.v1": frozenset({API}),
    "chronova.keypair.deleted.v1": frozenset({API}),
    "chronova.network.created.v1": frozenset({FIRST_START}),
    "chronova.network.addresses-allocated.v1": frozenset({SCHEDULER, API}),
    "chronova.network.addresses-released.v1": frozenset({SCHEDULER, CONDUCTOR, API}),
    "chronova.network.deleted.v1": frozenset({API}),
    "chronova.host.registered.v1": frozenset({CONDUCTOR}),
    "chronova.host.inventory-changed.v1": frozenset({CONDUCTOR}),
    "chronova.host.went-down.v1": frozenset({CONDUCTOR}),
    "chronova.host.came-up.v1": frozenset({CONDUCTOR}),
    "chronova.host.disabled.v1": frozenset({API}),
    "chronova.host.enabled.v1": frozenset({API}),
    "chronova.host.claims-granted.v1": frozenset({SCHEDULER}),
    "chronova.host.claims-released.v1": frozenset({SCHEDULER, CONDUCTOR}),
    "chronova.instance.requested.v1": frozenset({API}),
    "chronova.instance.scheduled.v1": frozenset({SCHEDULER}),
    "chronova.instance.scheduling-failed.v1": frozenset({SCHEDULER}),
    "chronova.instance.build-started.v1": frozenset({CONDUCTOR}),
    "chronova.instance.activated.v1": frozenset({CONDUCTOR}),
    "chronova.instance.build-failed.v1": frozenset({CONDUCTOR}),
    "chronova.instance.stop-requested.v1": frozenset({API}),
    "chronova.instance.stopped.v1": frozenset({CONDUCTOR}),
    "chronova.instance.start-requested.v1": frozenset({API}),
    "chronova.instance.started.v1": frozenset({CONDUCTOR}),
    "chronova.instance.reboot-requested.v1": frozenset({API}),
    "chronova.instance.rebooted.v1": frozenset({CONDUCTOR}),
    "chronova.instance.operation-failed.v1": frozenset({CONDUCTOR}),
    "chronova.instance.lost.v1": frozenset({CONDUCTOR}),
    "chronova.instance.deletion-requested.v1": frozenset({API}),
    "chronova.instance.deleted.v1": frozenset({CONDUCTOR}),
    "chronova.image.changed.v1": frozenset({API}),
    "chronova.image.member-added.v1": frozenset({API}),
    "chronova.image.member-answered.v1": frozenset({API}),
    "chronova.image.member-removed.v1": frozenset({API}),
    "chronova.image.deactivated.v1": frozenset({API}),
    "chronova.image.reactivated.v1": frozenset({API}),
    "chronova.network.created-empty.v1": frozenset({API}),
    "chronova.network.changed.v1": frozenset({API}),
    "chronova.network.subnet-created.v1": frozenset({API}),
    "chronova.network.subnet-changed.v1": frozenset({API}),
    "chronova.network.subnet-deleted.v1": frozenset({API}),
    "chronova.network.port-created.v1": frozenset({API}),
    "chronova.network.port-changed.v1": frozenset({API}),
    "chronova.network.port-deleted.v1": frozenset({API}),
    "chronova.network.ports-bound.v1": frozenset({SCHEDULER, API}),
    "chronova.network.ports-unbound.v1": frozenset({SCHEDULER, CONDUCTOR, API}),
    "chronova.securitygroup.created.v1": frozenset({API}),
    "chronova.securitygroup.changed.v1": frozenset({API}),
    "chronova.securitygroup.rule-added.v1": frozenset({API}),
    "chronova.securitygroup.rule-removed.v1": frozenset({API}),
    "chronova.securitygroup.restored.v1": frozenset({API}),
    "chronova.securitygroup.deleted.v1": frozenset({API}),
    # actions
    "chronova.instance.locked.v1": frozenset({API}),
    "chronova.instance.unlocked.v1": frozenset({API}),
    "chronova.instance.state-reset.v1": frozenset({API}),
    "chronova.instance.pause-requested.v1": frozenset({API}),
    "chronova.instance.paused.v1": frozenset({CONDUCTOR}),
    "chronova.instance.unpause-requested.v1": frozenset({API}),
    "chronova.instance.unpaused.v1": frozenset({CONDUCTOR}),
    "chronova.instance.suspend-requested.v1": frozenset({API}),
    "chronova.instance.suspended.v1": frozenset({CONDUCTOR}),
    "chronova.instance.resume-requested.v1": frozenset({API}),
    "chronova.instance.resumed.v1": frozenset({CONDUCTOR}),
    "chronova.instance.rescue-requested.v1": frozenset({API}),
    "chronova.instance.rescued.v1": frozenset({CONDUCTOR}),
    "chronova.instance.unrescue-requested.v1": frozenset({API}),
    "chronova.instance.unrescued.v1": frozenset({CONDUCTOR}),
    "chronova.instance.rebuild-requested.v1": frozenset({API}),
    "chronova.instance.rebuilt.v1": frozenset({CONDUCTOR}),
    "chronova.instance.password-change-requested.v1": frozenset({API}),
    "chronova.instance.password-changed.v1": frozenset({CONDUCTOR}),
    "chronova.instance.crash-dump-requested.v1": frozenset({API}),
    "chronova.instance.crash-dump-triggered.v1": frozenset({CONDUCTOR}),
    "chronova.instance.snapshot-requested.v1": frozenset({API}),
    "chronova.instance.snapshot-failed.v1": frozenset({API, CONDUCTOR}),
    "chronova.instance.snapshot-taken.v1": frozenset({CONDUCTOR}),
    # moves
    "chronova.instance.resize-requested.v1": frozenset({API}),
    "chronova.instance.migration-requested.v1": frozenset({API}),
    "chronova.instance.live-migration-requested.v1": frozenset({API}),
    "chronova.instance.evacuation-requested.v1": frozenset({API}),
    "chronova.instance.destination-chosen.v1": frozenset({SCHEDULER}),
    "chronova.instance.move-failed.v1": frozenset({API, SCHEDULER, CONDUCTOR}),
    "chronova.instance.host-left.v1": frozenset({CONDUCTOR}),
    "chronova.instance.guest-parked.v1": frozenset({CONDUCTOR}),
    "chronova.instance.resized.v1": frozenset({CONDUCTOR}),
    "chronova.instance.resize-confirmed.v1": frozenset({API}),
    "chronova.instance.resize-revert-requested.v1": frozenset({API}),
    "chronova.instance.resize-reverted.v1": frozenset({CONDUCTOR}),
    "chronova.instance.migrated.v1": frozenset({CONDUCTOR}),
    "chronova.instance.evacuated.v1": frozenset({CONDUCTOR}),
    "chronova.instance.shelve-requested.v1": frozenset({API}),
    "chronova.instance.shelved.v1": frozenset({CONDUCTOR}),
    "chronova.instance.offload-requested.v1": frozenset({API, CONDUCTOR}),
    "chronova.instance.offloaded.v1": frozenset({CONDUCTOR}),
    "chronova.instance.unshelve-requested.v1": frozenset({API}),
    "chronova.instance.unshelved.v1": frozenset({CONDUCTOR}),
    # what changes flavors
    "chronova.flavor.replaced.v1": frozenset({API}),
    "chronova.flavor.described.v1": frozenset({API}),
    "chronova.flavor.rxtx-factor-set.v1": frozenset({API}),
    "chronova.flavor.extra-specs-changed.v1": frozenset({API}),
    "chronova.flavor.access-granted.v1": frozenset({API}),
    "chronova.flavor.access-revoked.v1": frozenset({API}),
    # where instances are to live
    "chronova.instance.placement-asked.v1": frozenset({API}),
    "chronova.servergroup.created.v1": frozenset({API}),
    "chronova.servergroup.members-joined.v1": frozenset({API}),
    "chronova.servergroup.members-placed.v1": frozenset({SCHEDULER, CONDUCTOR}),
    "chronova.servergroup.members-left.v1": frozenset({API, CONDUCTOR}),
    "chronova.servergroup.deleted.v1": frozenset({API}),
    "chronova.hostaggregate.created.v1": frozenset({API}),
    "chronova.hostaggregate.renamed.v1": frozenset({API}),
    "chronova.hostaggregate.metadata-changed.v1": frozenset({API}),
    "chronova.hostaggregate.host-added.v1": frozenset({API}),
    "chronova.hostaggregate.host-taken.v1": frozenset({API}),
    "chronova.hostaggregate.deleted.v1": frozenset({API}),
    "chronova.host.forced-down.v1": frozenset({API}),
    "chronova.host.force-lifted.v1": frozenset({API}),
    # quotas
    "chronova.project.quota-changed.v1": frozenset({API}),
    "chronova.project.quota-reset.v1": frozenset({API}),
    "chronova.project.usage-reserved.v1": frozenset({API, CONDUCTOR}),
    "chronova.project.usage-released.v1": frozenset({API, CONDUCTOR}),
    "chronova.quotaclass.created.v1": frozenset({API}),
    "chronova.quotaclass.changed.v1": frozenset({API}),
    # what an owner keeps with an instance
    "chronova.instance.details-changed.v1": frozenset({API}),
    "chronova.instance.metadata-changed.v1": frozenset({API}),
    "chronova.instance.tags-changed.v1": frozenset({API}),
    "chronova.instance.interface-attach-requested.v1": frozenset({API}),
    "chronova.instance.interface-attached.v1": frozenset({CONDUCTOR}),
    "chronova.instance.interface-attach-failed.v1": frozenset({CONDUCTOR}),
    "chronova.instance.interface-detach-requested.v1": frozenset({API}),
    "chronova.instance.interface-detached.v1": frozenset({CONDUCTOR}),
    "chronova.instance.interface-detach-failed.v1": frozenset({CONDUCTOR}),
}
"""Who may append each version of each event. It is total: an event without a row fails the tests."""


def may_append(topic: str, source: str) -> bool:
    """Whether a service may append an event of this type; nobody may append one of a type without a row."""
    return source in MAY_APPEND.get(topic, ())


ACTORS: Mapping[str, tuple[str, ...]] = {
    API: ("user:",),
    SCHEDULER: ("service:scheduler",),
    CONDUCTOR: ("service:conductor", "host:"),
    FIRST_START: ("service:chronova",),
}
"""For whom a service acts, as `ce-actor` begins: the API for users, the conductor for itself and for hosts that have reported."""


def actor_may(source: str, actor: str) -> bool:
    """Whether a service may act for an actor."""
    return any(
        actor.startswith(who) and actor != who if who.endswith(":") else actor == who for who in ACTORS.get(source, ())
    )
