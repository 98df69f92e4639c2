"""All aggregates, so that whoever reads the log knows every event there is."""

from collections.abc import Mapping

from domain.aggregate import EVENT_TYPES, Aggregate, Event
from domain.flavor import Flavor
from domain.host import claims, service
from domain.host.host import Host
from domain.identity import Project, User
from domain.image import Image
from domain.instance import build, deletion, power, request, scheduling
from domain.instance.instance import Instance
from domain.keypair import KeyPair
from domain.network import Network

BEHAVIOURS = (claims, service, build, deletion, power, request, scheduling)
"""The modules whose events would not be known otherwise: importing them registers them."""

AGGREGATES: Mapping[str, type[Aggregate]] = {
    kind.KIND: kind for kind in (Flavor, Host, Image, Instance, KeyPair, Network, Project, User)
}
"""Aggregate classes by the word that stands for them in subjects."""


def event_type(topic: str) -> type[Event]:
    """The event class of a topic. Raises KeyError for one that nobody has declared."""
    return EVENT_TYPES[topic]
