"""The routes of the identity API."""

from services.api.identity import directory, versions
from services.api.identity.tokens import TokenHandlers, revoke, show_catalog
from services.api.routing import Route, Routes


def routes(tokens: TokenHandlers) -> Routes:
    """All of them."""
    unbuilt = [
        Route(method, template, directory.not_built, "identity:administer")
        for template, methods in UNBUILT.items()
        for method in methods
    ]
    return Routes(
        [
            Route("GET", "/", versions.list_versions, None),
            Route("GET", "/v3", versions.show_version, None),
            Route("POST", "/v3/auth/tokens", tokens.create, None),
            Route("GET", "/v3/auth/tokens", tokens.show, "identity:validate_token"),
            Route("DELETE", "/v3/auth/tokens", revoke, "identity:revoke_token"),
            Route("GET", "/v3/auth/catalog", show_catalog, "identity:get_auth_catalog"),
            Route("GET", "/v3/auth/projects", directory.list_own_projects, "identity:get_auth_projects"),
            Route("GET", "/v3/auth/domains", directory.list_domains, "identity:get_auth_domains"),
            Route("GET", "/v3/projects", directory.list_projects, "identity:list_projects"),
            Route("GET", "/v3/projects/{id}", directory.show_project, "identity:get_project"),
            Route("GET", "/v3/users", directory.list_users, "identity:list_users"),
            Route("GET", "/v3/users/{id}", directory.show_user, "identity:get_user"),
            Route("GET", "/v3/users/{id}/projects", directory.list_user_projects, "identity:list_user_projects"),
            Route("GET", "/v3/roles", directory.list_roles, "identity:list_roles"),
            Route("GET", "/v3/roles/{id}", directory.show_role, "identity:get_role"),
            Route("GET", "/v3/role_assignments", directory.list_role_assignments, "identity:list_role_assignments"),
            Route("GET", "/v3/domains", directory.list_domains, "identity:list_domains"),
            Route("GET", "/v3/domains/{id}", directory.show_domain, "identity:get_domain"),
            Route("GET", "/v3/services", directory.list_services, "identity:list_services"),
            Route("GET", "/v3/services/{id}", directory.show_service, "identity:list_services"),
            Route("GET", "/v3/endpoints", directory.list_endpoints, "identity:list_endpoints"),
            Route("GET", "/v3/regions", directory.list_regions, "identity:list_regions"),
            *unbuilt,
        ]
    )


UNBUILT = {
    "/v3/projects": ("POST",),
    "/v3/projects/{id}": ("PATCH", "DELETE"),
    "/v3/users": ("POST",),
    "/v3/users/{id}": ("PATCH", "DELETE"),
    "/v3/roles": ("POST",),
    "/v3/domains": ("POST",),
    "/v3/projects/{id}/users/{user}/roles/{role}": ("PUT", "DELETE"),
}
"""What Keystone has and this cloud has not yet: refused with a sentence rather than as unknown."""
