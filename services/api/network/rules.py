"""What a rule may say. Source: networking API reference v2.0, "Create security group rule"."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from domain.security_group.rule import Rule
from services.api.errors import Refusal
from services.api.network.asked import NAME, PROJECT, Resource

PORT = {"type": ["integer", "string", "null"], "pattern": "^[0-9]{1,5}$"}
RULE = Resource(
    "security_group_rule",
    {
        "project_id": PROJECT,
        "tenant_id": PROJECT,
        "security_group_id": {"type": "string"},
        "direction": {"type": "string", "enum": ["ingress", "egress"]},
        "ethertype": {"type": ["string", "null"], "enum": ["IPv4", "IPv6", None]},
        "protocol": {"type": ["string", "integer", "null"], "maxLength": 16},
        "port_range_min": PORT,
        "port_range_max": PORT,
        "remote_ip_prefix": {"type": ["string", "null"], "maxLength": 64},
        "remote_group_id": {"type": ["string", "null"]},
        "remote_address_group_id": {"enum": [None]},
        "description": NAME,
    },
    update=("description",),
    required=("security_group_id", "direction"),
)
PROTOCOLS = frozenset(
    {
        "ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "icmpv6", "igmp", "ip", "ipip", "ipv6-encap", "ipv6-frag",
        "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp", "udplite", "vrrp",
    }
)  # fmt: skip
ICMP = frozenset({"icmp", "icmpv6", "ipv6-icmp", "1", "58"})
HIGHEST_PROTOCOL, HIGHEST_PORT, HIGHEST_TYPE = 255, 65535, 255


def rule_of(rule_id: str, asked: Mapping[str, Any]) -> Rule:
    """The rule that is asked for. Raises Refusal 400."""
    ethertype = asked.get("ethertype") or "IPv4"
    protocol = _protocol(asked.get("protocol"))
    low, high = _number(asked.get("port_range_min")), _number(asked.get("port_range_max"))
    _require_range(protocol, low, high)
    prefix, group = asked.get("remote_ip_prefix"), asked.get("remote_group_id")
    if prefix is not None and group is not None:
        raise Refusal(
            400,
            "Only remote_ip_prefix or remote_group_id may be provided.",
            kind="SecurityGroupRemoteGroupAndRemoteIpPrefix",
        )
    return Rule(
        rule_id,
        asked["direction"],
        ethertype,
        protocol=protocol,
        port_min=low,
        port_max=high,
        remote_prefix=None if prefix is None else _prefix(prefix, ethertype),
        remote_group=group,
        description=asked.get("description", ""),
    )


def _protocol(asked: str | int | None) -> str | None:
    if asked is None or str(asked).lower() in ("any", ""):
        return None
    word = str(asked).lower()
    if word in PROTOCOLS or (word.isascii() and word.isdecimal() and int(word) <= HIGHEST_PROTOCOL):
        return word
    raise Refusal(400, f"Security group rule protocol {asked} not supported.", kind="InvalidInput")


def _number(asked: str | int | None) -> int | None:
    return None if asked is None else int(asked)


def _require_range(protocol: str | None, low: int | None, high: int | None) -> None:
    if low is None and high is None:
        return
    if protocol is None:
        raise Refusal(
            400,
            "Must also specify protocol if port range is given.",
            kind="SecurityGroupProtocolRequiredWithPorts",
        )
    if protocol in ICMP:
        if low is None or not all(0 <= value <= HIGHEST_TYPE for value in (low, high) if value is not None):
            raise _range("An ICMP type and code lie between 0 and 255, and a code needs a type.")
        return
    if low is None or high is None or not 0 <= low <= high <= HIGHEST_PORT:
        raise _range("For TCP/UDP protocols, port_range_min must be <= port_range_max")


def _range(sentence: str) -> Refusal:
    return Refusal(400, sentence, kind="SecurityGroupInvalidPortRange")


def _prefix(asked: str, ethertype: str) -> str:
    try:
        prefix = ip_network(asked, strict=False)
    except ValueError:
        raise Refusal(400, f"Invalid input for remote_ip_prefix. Reason: '{asked}' is not a valid IP subnet.") from None
    if f"IPv{prefix.version}" != ethertype:
        raise Refusal(400, f"Conflicting value ethertype {ethertype} for CIDR {asked}", kind="InvalidInput")
    return str(prefix)
