"""The routes of the network API."""

from services.api.network import absent, documents, networks, ports, quotas, security_groups, subnets
from services.api.network.tags import TAGGED, Tags
from services.api.routing import Route, Routes


def _tags(collection: str) -> list[Route]:
    tags, path = Tags(collection), f"/v2.0/{collection}/{{id}}/tags"
    return [
        Route("GET", path, tags.show, "get_tags"),
        Route("PUT", path, tags.replace, "update_tags"),
        Route("DELETE", path, tags.remove_all, "update_tags"),
        Route("GET", f"{path}/{{tag}}", tags.show_one, "get_tags"),
        Route("PUT", f"{path}/{{tag}}", tags.add, "update_tags"),
        Route("DELETE", f"{path}/{{tag}}", tags.remove, "update_tags"),
    ]


ALL = [
    Route("GET", "/", documents.list_versions, None),
    Route("GET", "/v2.0", documents.show_version, None),
    Route("GET", "/v2.0/networks", networks.list_networks, "get_network"),
    Route("POST", "/v2.0/networks", networks.create, "create_network"),
    Route("GET", "/v2.0/networks/{id}", networks.show_network, "get_network"),
    Route("PUT", "/v2.0/networks/{id}", networks.update, "update_network"),
    Route("DELETE", "/v2.0/networks/{id}", networks.delete, "delete_network"),
    Route("GET", "/v2.0/subnets", subnets.list_subnets, "get_subnet"),
    Route("POST", "/v2.0/subnets", subnets.create, "create_subnet"),
    Route("GET", "/v2.0/subnets/{id}", subnets.show_subnet, "get_subnet"),
    Route("PUT", "/v2.0/subnets/{id}", subnets.update, "update_subnet"),
    Route("DELETE", "/v2.0/subnets/{id}", subnets.delete, "delete_subnet"),
    Route("GET", "/v2.0/ports", ports.list_ports, "get_port"),
    Route("POST", "/v2.0/ports", ports.create, "create_port"),
    Route("GET", "/v2.0/ports/{id}", ports.show_port, "get_port"),
    Route("PUT", "/v2.0/ports/{id}", ports.update, "update_port"),
    Route("DELETE", "/v2.0/ports/{id}", ports.delete, "delete_port"),
    Route("GET", "/v2.0/security-groups", security_groups.list_groups, "get_security_group"),
    Route("POST", "/v2.0/security-groups", security_groups.create, "create_security_group"),
    Route("GET", "/v2.0/security-groups/{id}", security_groups.show_group, "get_security_group"),
    Route("PUT", "/v2.0/security-groups/{id}", security_groups.update, "update_security_group"),
    Route("DELETE", "/v2.0/security-groups/{id}", security_groups.delete, "delete_security_group"),
    Route("GET", "/v2.0/security-group-rules", security_groups.list_rules, "get_security_group_rule"),
    Route("POST", "/v2.0/security-group-rules", security_groups.create_rule, "create_security_group_rule"),
    Route("GET", "/v2.0/security-group-rules/{id}", security_groups.show_rule, "get_security_group_rule"),
    Route("DELETE", "/v2.0/security-group-rules/{id}", security_groups.delete_rule, "delete_security_group_rule"),
    Route("GET", "/v2.0/floatingips", absent.list_none, "get_floatingip"),
    Route("POST", "/v2.0/floatingips", absent.create_floating_ip, "create_floatingip"),
    Route("GET", "/v2.0/floatingips/{id}", absent.missing, "get_floatingip"),
    Route("PUT", "/v2.0/floatingips/{id}", absent.missing, "update_floatingip"),
    Route("DELETE", "/v2.0/floatingips/{id}", absent.missing, "delete_floatingip"),
    Route("GET", "/v2.0/routers", absent.list_none, "get_router"),
    Route("POST", "/v2.0/routers", absent.create_router, "create_router"),
    Route("GET", "/v2.0/routers/{id}", absent.missing, "get_router"),
    Route("PUT", "/v2.0/routers/{id}", absent.missing, "update_router"),
    Route("DELETE", "/v2.0/routers/{id}", absent.missing, "delete_router"),
    Route("GET", "/v2.0/agents", absent.list_none, "get_agent"),
    Route("GET", "/v2.0/agents/{id}", absent.missing, "get_agent"),
    Route("GET", "/v2.0/quotas", quotas.list_quotas, "list_quotas"),
    Route("GET", "/v2.0/quotas/{project}", quotas.show_quota, "get_quota"),
    Route("PUT", "/v2.0/quotas/{project}", quotas.cannot_limit, "update_quota"),
    Route("GET", "/v2.0/quotas/{project}/default", quotas.show_quota, "get_quota"),
    Route("GET", "/v2.0/quotas/{project}/details", quotas.show_details, "get_quota"),
    Route("GET", "/v2.0/network-ip-availabilities", quotas.list_availabilities, "get_network_ip_availability"),
    Route("GET", "/v2.0/network-ip-availabilities/{id}", quotas.show_availability, "get_network_ip_availability"),
    Route("GET", "/v2.0/extensions", documents.list_extensions, "get_extension"),
    Route("GET", "/v2.0/extensions/{alias}", documents.show_extension, "get_extension"),
    Route("GET", "/v2.0/availability_zones", documents.list_zones, "get_availability_zone"),
    *(route for collection in TAGGED for route in _tags(collection)),
]
"""As data."""

ROUTES = Routes(ALL)
