"""Policy: which role each thing that can be asked for needs. One table for all APIs, in the words of each."""

from collections.abc import Iterable, Mapping

from services.api.routing import Route

ANY_TOKEN = ""
"""Any good token will do, also one without a project."""

POLICY: Mapping[str, str] = {
    # identity
    "identity:validate_token": ANY_TOKEN,  # members only see their own; service and admin everybody's
    "identity:revoke_token": ANY_TOKEN,  # members only their own
    "identity:get_auth_catalog": ANY_TOKEN,
    "identity:get_auth_projects": ANY_TOKEN,
    "identity:get_auth_domains": ANY_TOKEN,
    "identity:get_project": ANY_TOKEN,  # members only see their own
    "identity:get_user": ANY_TOKEN,  # members only see themselves
    "identity:list_user_projects": ANY_TOKEN,  # members only their own
    "identity:get_domain": ANY_TOKEN,
    "identity:list_domains": ANY_TOKEN,
    "identity:change_password": ANY_TOKEN,  # only one's own
    "identity:list_application_credentials": ANY_TOKEN,  # members only their own, as with the next ones
    "identity:get_application_credential": ANY_TOKEN,
    "identity:delete_application_credential": ANY_TOKEN,
    "identity:create_application_credential": "reader",  # for the token's project, so it must have one
    "identity:get_role": "reader",
    "identity:list_roles": "reader",
    "identity:list_services": "admin",
    "identity:list_endpoints": "admin",
    "identity:list_regions": ANY_TOKEN,
    "identity:list_projects": "admin",
    "identity:list_users": "admin",
    "identity:list_role_assignments": "admin",
    "identity:create_project": "admin",
    "identity:update_project": "admin",
    "identity:delete_project": "admin",
    "identity:create_user": "admin",
    "identity:update_user": "admin",
    "identity:delete_user": "admin",
    "identity:list_grants": "admin",
    "identity:check_grant": "admin",
    "identity:create_grant": "admin",
    "identity:revoke_grant": "admin",
    "identity:create_role": "admin",
    "identity:create_domain": "admin",
    "identity:get_service": "admin",
    # compute
    "os_compute_api:servers:index": "reader",
    "os_compute_api:servers:detail": "reader",
    "os_compute_api:servers:index:get_all_tenants": "admin",
    "os_compute_api:servers:detail:get_all_tenants": "admin",
    "os_compute_api:servers:show": "reader",
    "os_compute_api:servers:create": "member",
    "os_compute_api:servers:create:forced_host": "admin",
    "os_compute_api:servers:delete": "member",
    "os_compute_api:servers:start": "member",
    "os_compute_api:servers:stop": "member",
    "os_compute_api:servers:reboot": "member",
    "os_compute_api:servers:action": "member",
    "os_compute_api:os-console-output": "member",
    "os_compute_api:os-lock-server:lock": "member",
    "os_compute_api:os-lock-server:unlock": "member",
    "os_compute_api:os-lock-server:unlock:unlock_override": "admin",
    "os_compute_api:os-pause-server:pause": "member",
    "os_compute_api:os-pause-server:unpause": "member",
    "os_compute_api:os-suspend-server:suspend": "member",
    "os_compute_api:os-suspend-server:resume": "member",
    "os_compute_api:os-rescue": "member",
    "os_compute_api:os-unrescue": "member",
    "os_compute_api:servers:rebuild": "member",
    "os_compute_api:os-admin-password": "member",
    "os_compute_api:servers:trigger_crash_dump": "member",
    "os_compute_api:servers:create_image": "member",
    "os_compute_api:os-create-backup": "member",
    "os_compute_api:servers:resize": "member",
    "os_compute_api:servers:confirm_resize": "member",
    "os_compute_api:servers:revert_resize": "member",
    "os_compute_api:os-migrate-server:migrate": "admin",
    "os_compute_api:os-migrate-server:migrate:host": "admin",
    "os_compute_api:os-migrate-server:migrate_live": "admin",
    "os_compute_api:os-migrate-server:migrate_live:host": "admin",
    "os_compute_api:os-evacuate": "admin",
    "os_compute_api:os-shelve:shelve": "member",
    "os_compute_api:os-shelve:shelve_offload": "admin",
    "os_compute_api:os-shelve:unshelve": "member",
    "os_compute_api:os-shelve:unshelve_to_host": "admin",
    "os_compute_api:os-admin-actions:reset_state": "admin",
    "os_compute_api:os-deferred-delete:restore": "member",
    "os_compute_api:os-deferred-delete:force": "member",
    "os_compute_api:ips:index": "reader",
    "os_compute_api:os-instance-actions:list": "reader",
    "os_compute_api:os-instance-actions:show": "reader",
    "os_compute_api:os-instance-actions:events": "admin",
    "os_compute_api:os-flavor-extra-specs:index": "reader",
    "os_compute_api:flavors": "reader",
    "os_compute_api:os-flavor-manage:create": "admin",
    "os_compute_api:os-flavor-manage:delete": "admin",
    "os_compute_api:os-keypairs:index": "reader",
    "os_compute_api:os-keypairs:show": "reader",
    "os_compute_api:os-keypairs:create": "member",
    "os_compute_api:os-keypairs:delete": "member",
    "os_compute_api:os-keypairs:other_users": "admin",
    "os_compute_api:limits": "reader",
    "os_compute_api:limits:other_project": "admin",
    "os_compute_api:os-quota-sets:show": "reader",
    "os_compute_api:os-quota-sets:other_project": "admin",
    "os_compute_api:os-availability-zone:list": "reader",
    "os_compute_api:os-availability-zone:detail": "admin",
    "os_compute_api:extensions": "reader",
    "os_compute_api:os-hypervisors:list": "admin",
    "os_compute_api:os-hypervisors:list-detail": "admin",
    "os_compute_api:os-hypervisors:show": "admin",
    "os_compute_api:os-hypervisors:statistics": "admin",
    "os_compute_api:os-aggregates:index": "admin",
    "os_compute_api:os-services:list": "admin",
    "os_compute_api:os-services:update": "admin",
    # image
    "get_images": "reader",
    "get_image": "reader",
    "get_image_schema": "reader",
    "add_image": "member",
    "upload_image": "member",
    "download_image": "reader",
    "modify_image": "member",
    "delete_image": "member",
    "publicize_image": "admin",
    "set_image_owner": "admin",
    "deactivate": "admin",
    "reactivate": "admin",
    "get_members": "reader",
    "get_member": "reader",
    "add_member": "member",
    "modify_member": "member",
    "delete_member": "member",
    # network
    "get_network": "reader",
    "create_network": "member",
    "update_network": "member",
    "delete_network": "member",
    "create_network:shared": "admin",
    "update_network:shared": "admin",
    "get_subnet": "reader",
    "create_subnet": "member",
    "update_subnet": "member",
    "delete_subnet": "member",
    "get_port": "reader",
    "create_port": "member",
    "update_port": "member",
    "delete_port": "member",
    "get_security_group": "reader",
    "create_security_group": "member",
    "update_security_group": "member",
    "delete_security_group": "member",
    "get_security_group_rule": "reader",
    "create_security_group_rule": "member",
    "delete_security_group_rule": "member",
    "get_floatingip": "reader",
    "create_floatingip": "member",
    "update_floatingip": "member",
    "delete_floatingip": "member",
    "get_router": "reader",
    "create_router": "member",
    "update_router": "member",
    "delete_router": "member",
    "get_tags": "reader",
    "update_tags": "member",
    "list_quotas": "admin",
    "update_quota": "admin",
    "get_network_ip_availability": "admin",
    "get_quota": "reader",
    "get_extension": "reader",
    "get_availability_zone": "reader",
    "get_agent": "admin",
}

PUBLIC: Mapping[str, frozenset[str]] = {
    "": frozenset({"GET /", "GET /v2.1"}),
    "/identity": frozenset({"GET /", "GET /v3", "POST /v3/auth/tokens"}),
    "/image": frozenset({"GET /", "GET /versions", "GET /v2"}),
    "/network": frozenset({"GET /", "GET /v2.0"}),
    # The URLs of images are signed.
    "/v1": frozenset({"GET /health", "GET /images/{id}/content", "PUT /instances/{instance}/images/{id}"}),
}
"""API → its routes that need no token. Every other one has a policy: an API with one that has none does not start."""


def require_policies(prefix: str, routes: Iterable[Route]) -> None:
    """Pass routes that have a policy that there is, or are public. Raises ValueError."""
    for route in routes:
        if route.policy is None and route.name not in PUBLIC[prefix]:
            raise ValueError(f"{prefix} {route.name} has no policy, and is not listed as public")
        if route.policy is not None and route.policy not in POLICY:
            raise ValueError(f"{prefix} {route.name} has a policy that there is not: {route.policy}")


def allows(policy: str, roles: Iterable[str]) -> bool:
    """Whether a caller with these (effective) roles may. Raises KeyError for a policy that nobody has declared."""
    needed = POLICY[policy]
    return needed == ANY_TOKEN or needed in roles
