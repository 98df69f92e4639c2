"""The rules of a group: what it allows can grow and shrink."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Event
from domain.errors import Conflict, NotFound
from domain.security_group.group import SecurityGroup, require_living
from domain.security_group.rule import Rule


class RuleAdded(Event):
    """The group allows more."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.rule-added.v1"

    rule: dict[str, Any]

    def apply(self, aggregate: SecurityGroup) -> None:
        """The rule is one of its rules."""
        aggregate.rules[self.rule["id"]] = Rule(**self.rule)


class RuleRemoved(Event):
    """The group allows less."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.rule-removed.v1"

    rule_id: str

    def apply(self, aggregate: SecurityGroup) -> None:
        """The rule is none of its rules."""
        del aggregate.rules[self.rule_id]


class SecurityGroupRuleExists(Conflict):
    """The group has a rule that allows the same."""


def add_rule(group: SecurityGroup, rule: Rule, *, at: datetime) -> None:
    """Allow more. Raises NotFound, SecurityGroupRuleExists."""
    require_living(group)
    for known in group.rules.values():
        if known.allows == rule.allows:
            raise SecurityGroupRuleExists(f"Security group rule already exists. Rule id is {known.id}.")
    group.record(RuleAdded, rule=asdict(rule), at=at)


def remove_rule(group: SecurityGroup, rule_id: str, *, at: datetime) -> None:
    """Allow less. Raises NotFound."""
    require_living(group)
    if rule_id not in group.rules:
        raise NotFound(f"Security group rule {rule_id} does not exist")
    group.record(RuleRemoved, rule_id=rule_id, at=at)
