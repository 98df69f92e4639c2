"""Policy: which role each thing that can be asked for needs. One table for all APIs, in the words of each."""

from collections.abc import Iterable, Mapping

ANY_TOKEN = ""
"""Any good token will do, also one without a project."""

POLICY: Mapping[str, str] = {
    # identity
    "identity:validate_token": ANY_TOKEN,
    "identity:revoke_token": ANY_TOKEN,
    "identity:get_auth_catalog": ANY_TOKEN,
    "identity:get_auth_projects": ANY_TOKEN,
    "identity:get_auth_domains": ANY_TOKEN,
    "identity:get_project": ANY_TOKEN,  # members only see their own
    "identity:get_user": ANY_TOKEN,  # members only see themselves
    "identity:list_user_projects": ANY_TOKEN,  # members only their own
    "identity:get_domain": ANY_TOKEN,
    "identity:list_domains": ANY_TOKEN,
    "identity:get_role": "reader",
    "identity:list_roles": "reader",
    "identity:list_services": "admin",
    "identity:list_endpoints": "admin",
    "identity:list_regions": ANY_TOKEN,
    "identity:list_projects": "admin",
    "identity:list_users": "admin",
    "identity:list_role_assignments": "admin",
    "identity:administer": "admin",
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
    # network
    "get_network": "reader",
    "create_network": "member",
    "update_network": "member",
    "delete_network": "member",
    "get_subnet": "reader",
    "get_port": "reader",
    "get_security_group": "reader",
    "get_floatingip": "reader",
    "get_router": "reader",
    "get_quota": "reader",
    "get_extension": "reader",
    "get_availability_zone": "reader",
    "get_agent": "admin",
}


def allows(policy: str, roles: Iterable[str]) -> bool:
    """Whether a caller with these (effective) roles may. Raises KeyError for a policy that nobody has declared."""
    needed = POLICY[policy]
    return needed == ANY_TOKEN or needed in roles
