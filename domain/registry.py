"""All aggregates and events: whoever reads the log imports this, and so knows every event that may stand in it."""

from collections.abc import Mapping

from domain import aggregate, flavor, flavor_changes, hostaggregate, keypair, servergroup
from domain.aggregate import Aggregate, Event
from domain.evolution import EventVersion
from domain.host import claims, host, service
from domain.identity import credential, name, project, role, token, user
from domain.image import availability, change, image, sharing, upload
from domain.instance import (
    build,
    crash_dump,
    deletion,
    details,
    evacuation,
    instance,
    interfaces,
    live_migration,
    lock,
    metadata,
    move,
    password,
    pause,
    placing,
    power,
    rebuild,
    request,
    rescue,
    reset,
    resize,
    scheduling,
    shelve,
    snapshot,
    suspend,
    tags,
)
from domain.network import addresses, binding, network, port, subnet
from domain.project import quota, usage
from domain.security_group import group, rules

DECLARING = (
    flavor,
    flavor_changes,
    project,
    user,
    role,
    name,
    credential,
    token,
    image,
    upload,
    change,
    sharing,
    availability,
    keypair,
    network,
    subnet,
    addresses,
    port,
    binding,
    group,
    rules,
    host,
    claims,
    service,
    instance,
    request,
    scheduling,
    build,
    power,
    deletion,
    lock,
    pause,
    suspend,
    rescue,
    rebuild,
    password,
    crash_dump,
    snapshot,
    reset,
    move,
    resize,
    live_migration,
    evacuation,
    shelve,
    quota,
    usage,
    placing,
    servergroup,
    hostaggregate,
    details,
    metadata,
    tags,
    interfaces,
)
"""The modules that declare aggregates and events: importing them registers what they declare."""

AGGREGATES: Mapping[str, type[Aggregate]] = aggregate.KINDS
"""Aggregate classes by the word that stands for them in subjects."""

EVENT_TYPES: Mapping[str, type[Event]] = aggregate.EVENT_TYPES
"""Every event class by its topic: what is written today."""

KNOWN: Mapping[str, EventVersion] = aggregate.KNOWN
"""Every version of every event type by its topic, old ones too: what may stand in the log."""
