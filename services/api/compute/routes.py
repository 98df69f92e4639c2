"""The routes of the compute API. When one exists only in some microversions, `microversions.SPANS` says so by its name."""

from services.api.compute import (
    aggregates,
    compute_services,
    create_server,
    extensions,
    flavors,
    hypervisors,
    instance_actions,
    keypairs,
    limits,
    server_actions,
    server_list,
    versions,
    zones,
)
from services.api.routing import Route, Routes

_P = "os_compute_api"

ALL = [
    Route("GET", "/", versions.list_versions, None),
    Route("GET", "/v2.1", versions.show_version, None),
    # servers
    Route("POST", "/v2.1/servers", create_server.create_servers, f"{_P}:servers:create"),
    Route("GET", "/v2.1/servers", server_list.list_servers, f"{_P}:servers:index"),
    Route("GET", "/v2.1/servers/detail", server_list.list_servers_detailed, f"{_P}:servers:detail"),
    Route("GET", "/v2.1/servers/{id}", server_list.show_server, f"{_P}:servers:show"),
    Route("DELETE", "/v2.1/servers/{id}", server_actions.delete_server, f"{_P}:servers:delete"),
    Route("POST", "/v2.1/servers/{id}/action", server_actions.act, f"{_P}:servers:action"),
    Route("GET", "/v2.1/servers/{id}/ips", server_list.show_addresses, f"{_P}:ips:index"),
    Route(
        "GET",
        "/v2.1/servers/{id}/os-instance-actions",
        instance_actions.list_actions,
        f"{_P}:os-instance-actions:list",
    ),
    Route(
        "GET",
        "/v2.1/servers/{id}/os-instance-actions/{request_id}",
        instance_actions.show_action,
        f"{_P}:os-instance-actions:show",
    ),
    # flavors
    Route("GET", "/v2.1/flavors", flavors.list_flavors, f"{_P}:flavors"),
    Route("GET", "/v2.1/flavors/detail", flavors.list_flavors_detailed, f"{_P}:flavors"),
    Route("GET", "/v2.1/flavors/{id}", flavors.show_flavor, f"{_P}:flavors"),
    Route("GET", "/v2.1/flavors/{id}/os-extra_specs", flavors.list_extra_specs, f"{_P}:os-flavor-extra-specs:index"),
    Route("POST", "/v2.1/flavors", flavors.create, f"{_P}:os-flavor-manage:create"),
    Route("DELETE", "/v2.1/flavors/{id}", flavors.delete, f"{_P}:os-flavor-manage:delete"),
    # key pairs
    Route("GET", "/v2.1/os-keypairs", keypairs.list_keypairs, f"{_P}:os-keypairs:index"),
    Route("POST", "/v2.1/os-keypairs", keypairs.create_keypair, f"{_P}:os-keypairs:create"),
    Route("GET", "/v2.1/os-keypairs/{name}", keypairs.show_keypair, f"{_P}:os-keypairs:show"),
    Route("DELETE", "/v2.1/os-keypairs/{name}", keypairs.delete_keypair, f"{_P}:os-keypairs:delete"),
    # hosts
    Route("GET", "/v2.1/os-hypervisors", hypervisors.list_hypervisors, f"{_P}:os-hypervisors:list"),
    Route(
        "GET",
        "/v2.1/os-hypervisors/detail",
        hypervisors.list_hypervisors_detailed,
        f"{_P}:os-hypervisors:list-detail",
    ),
    Route("GET", "/v2.1/os-hypervisors/statistics", hypervisors.show_statistics, f"{_P}:os-hypervisors:statistics"),
    Route("GET", "/v2.1/os-hypervisors/{id}", hypervisors.show_hypervisor, f"{_P}:os-hypervisors:show"),
    Route("GET", "/v2.1/os-hypervisors/{id}/uptime", hypervisors.show_uptime, f"{_P}:os-hypervisors:show"),
    Route("GET", "/v2.1/os-services", compute_services.list_services, f"{_P}:os-services:list"),
    Route("PUT", "/v2.1/os-services/{id}", compute_services.update_service, f"{_P}:os-services:update"),
    Route("GET", "/v2.1/os-aggregates", aggregates.list_aggregates, f"{_P}:os-aggregates:index"),
    # the rest
    Route("GET", "/v2.1/limits", limits.show_limits, f"{_P}:limits"),
    Route("GET", "/v2.1/os-quota-sets/{project}", limits.show_quotas, f"{_P}:os-quota-sets:show"),
    Route("GET", "/v2.1/os-quota-sets/{project}/defaults", limits.show_quotas, f"{_P}:os-quota-sets:show"),
    Route("GET", "/v2.1/os-quota-sets/{project}/detail", limits.show_quotas_detailed, f"{_P}:os-quota-sets:show"),
    Route("GET", "/v2.1/os-availability-zone", zones.list_zones, f"{_P}:os-availability-zone:list"),
    Route("GET", "/v2.1/os-availability-zone/detail", zones.list_zones_detailed, f"{_P}:os-availability-zone:detail"),
    Route("GET", "/v2.1/extensions", extensions.list_extensions, f"{_P}:extensions"),
    Route("GET", "/v2.1/extensions/{alias}", extensions.show_extension, f"{_P}:extensions"),
]
"""As data."""

ROUTES = Routes(ALL)
