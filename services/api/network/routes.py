"""The routes of the network API."""

from services.api.network import handlers
from services.api.routing import Route, Routes

UNBUILT = {
    "networks": "network",
    "subnets": "network",
    "ports": "network",
    "security-groups": "network",
    "security-group-rules": "network",
    "floatingips": "network",
    "routers": "network",
}
"""Collections that can be read only, for now: changing them is refused with a sentence rather than as unknown."""

ALL = [
    Route("GET", "/", handlers.list_versions, None),
    Route("GET", "/v2.0", handlers.show_version, None),
    Route("GET", "/v2.0/networks", handlers.list_networks, "get_network"),
    Route("GET", "/v2.0/networks/{id}", handlers.show_network, "get_network"),
    Route("GET", "/v2.0/subnets", handlers.list_subnets, "get_subnet"),
    Route("GET", "/v2.0/subnets/{id}", handlers.show_subnet, "get_subnet"),
    Route("GET", "/v2.0/ports", handlers.list_ports, "get_port"),
    Route("GET", "/v2.0/ports/{id}", handlers.show_port, "get_port"),
    Route("GET", "/v2.0/security-groups", handlers.list_security_groups, "get_security_group"),
    Route("GET", "/v2.0/security-groups/{id}", handlers.show_security_group, "get_security_group"),
    Route("GET", "/v2.0/security-group-rules", handlers.list_rules, "get_security_group"),
    Route("GET", "/v2.0/floatingips", handlers.list_floating_ips, "get_floatingip"),
    Route("GET", "/v2.0/routers", handlers.list_routers, "get_router"),
    Route("GET", "/v2.0/quotas/{project}", handlers.show_quota, "get_quota"),
    Route("GET", "/v2.0/quotas/{project}/details", handlers.show_quota_details, "get_quota"),
    Route("GET", "/v2.0/extensions", handlers.list_extensions, "get_extension"),
    Route("GET", "/v2.0/extensions/{alias}", handlers.show_extension, "get_extension"),
    Route("GET", "/v2.0/availability_zones", handlers.list_zones, "get_availability_zone"),
    Route("GET", "/v2.0/agents", handlers.list_agents, "get_agent"),
    *(
        Route(method, f"/v2.0/{collection}{rest}", handlers.not_built, f"{verb}_{kind}")
        for collection, kind in UNBUILT.items()
        for method, rest, verb in (
            ("POST", "", "create"),
            ("PUT", "/{id}", "update"),
            ("DELETE", "/{id}", "delete"),
        )
    ),
]
"""As data."""

ROUTES = Routes(ALL)
