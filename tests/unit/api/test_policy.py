"""Who may do what."""

import pytest

from domain.identity.role import effective_roles
from services.api.compute.routes import ALL as COMPUTE
from services.api.compute.server_actions import ACTIONS, NOT_BUILT
from services.api.image.routes import ALL as IMAGE
from services.api.network.routes import ALL as NETWORK
from services.api.policy import POLICY, allows

READER, MEMBER, ADMIN = (effective_roles([role]) for role in ("reader", "member", "admin"))


def test_roles_imply_those_below_them() -> None:
    assert READER == ("reader",)
    assert MEMBER == ("member", "reader")
    assert effective_roles(["manager"]) == ("manager", "member", "reader")
    assert ADMIN == ("admin", "manager", "member", "reader")
    assert effective_roles(["service"]) == ("service",)
    assert effective_roles([]) == ()
    assert effective_roles(["auditor"]) == ("auditor",)


@pytest.mark.parametrize(
    ("policy", "nobody", "reader", "member"),
    [
        ("identity:get_auth_catalog", True, True, True),
        ("os_compute_api:servers:show", False, True, True),
        ("os_compute_api:servers:create", False, False, True),
        ("os_compute_api:servers:delete", False, False, True),
        ("os_compute_api:os-console-output", False, False, True),
        ("os_compute_api:os-services:list", False, False, False),
        ("os_compute_api:os-hypervisors:list-detail", False, False, False),
        ("os_compute_api:servers:detail:get_all_tenants", False, False, False),
        ("os_compute_api:os-flavor-manage:create", False, False, False),
        ("publicize_image", False, False, False),
        ("identity:list_users", False, False, False),
    ],
)
def test_a_policy_needs_a_role(policy: str, *, nobody: bool, reader: bool, member: bool) -> None:
    assert [allows(policy, roles) for roles in ((), READER, MEMBER, ADMIN)] == [nobody, reader, member, nobody or True]


def test_every_route_names_a_policy_that_there_is() -> None:
    for route in (*COMPUTE, *IMAGE, *NETWORK):
        assert route.policy is None or route.policy in POLICY, route.name
    assert {action.policy for action in ACTIONS.values()} <= set(POLICY)


def test_only_version_documents_are_open() -> None:
    assert {route.template for route in (*COMPUTE, *IMAGE, *NETWORK) if route.policy is None} == {
        "/", "/v2.1", "/v2", "/v2.0", "/versions",
    }  # fmt: skip


def test_no_action_is_both_built_and_not() -> None:
    assert not set(ACTIONS) & NOT_BUILT
