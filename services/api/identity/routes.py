"""The routes of the identity API."""

from collections.abc import Callable
from datetime import datetime

from journal.secrets import Secrets
from services.api.caller import Authenticator, Tokens
from services.api.identity import application_credentials, directory, projects, roles, users, versions
from services.api.identity.application_credentials import CredentialHandlers
from services.api.identity.login_limits import LoginLimits
from services.api.identity.logins import Logins
from services.api.identity.methods import Methods
from services.api.identity.passwords import Passwords
from services.api.identity.tokens import TokenHandlers, show_catalog
from services.api.identity.users import UserHandlers
from services.api.routing import Route

GRANT = "/v3/projects/{id}/users/{user}/roles/{role}"
CREDENTIALS = "/v3/users/{id}/application_credentials"
CREDENTIAL = "/v3/users/{id}/application_credentials/{credential}"


def identity_routes(
    tokens: Tokens, authenticator: Authenticator, secrets: Secrets, clock: Callable[[], datetime]
) -> list[Route]:
    """All of them."""
    hashes = Passwords(secrets)
    logins = Logins(hashes, LoginLimits(clock))
    token = TokenHandlers(tokens, authenticator, Methods(authenticator, logins))
    user = UserHandlers(hashes, logins)
    credential = CredentialHandlers(hashes)
    return [
        Route("GET", "/", versions.list_versions, None),
        Route("GET", "/v3", versions.show_version, None),
        # tokens
        Route("POST", "/v3/auth/tokens", token.create, None),
        Route("GET", "/v3/auth/tokens", token.show, "identity:validate_token"),
        Route("DELETE", "/v3/auth/tokens", token.revoke, "identity:revoke_token"),
        Route("GET", "/v3/auth/catalog", show_catalog, "identity:get_auth_catalog"),
        Route("GET", "/v3/auth/projects", projects.list_own_projects, "identity:get_auth_projects"),
        Route("GET", "/v3/auth/domains", directory.list_domains, "identity:get_auth_domains"),
        # projects
        Route("GET", "/v3/projects", projects.list_projects, "identity:list_projects"),
        Route("POST", "/v3/projects", projects.create, "identity:create_project"),
        Route("GET", "/v3/projects/{id}", projects.show_project, "identity:get_project"),
        Route("PATCH", "/v3/projects/{id}", projects.update, "identity:update_project"),
        Route("DELETE", "/v3/projects/{id}", projects.delete, "identity:delete_project"),
        # users
        Route("GET", "/v3/users", users.list_users, "identity:list_users"),
        Route("POST", "/v3/users", user.create, "identity:create_user"),
        Route("GET", "/v3/users/{id}", users.show_user, "identity:get_user"),
        Route("PATCH", "/v3/users/{id}", user.update, "identity:update_user"),
        Route("DELETE", "/v3/users/{id}", user.delete, "identity:delete_user"),
        Route("POST", "/v3/users/{id}/password", user.change_password, "identity:change_password"),
        Route("GET", "/v3/users/{id}/projects", projects.list_user_projects, "identity:list_user_projects"),
        # application credentials
        Route("GET", CREDENTIALS, application_credentials.list_credentials, "identity:list_application_credentials"),
        Route("POST", CREDENTIALS, credential.create, "identity:create_application_credential"),
        Route("GET", CREDENTIAL, application_credentials.show_credential, "identity:get_application_credential"),
        Route("DELETE", CREDENTIAL, credential.delete, "identity:delete_application_credential"),
        # roles
        Route("GET", "/v3/roles", roles.list_roles, "identity:list_roles"),
        Route("GET", "/v3/roles/{id}", roles.show_role, "identity:get_role"),
        Route("POST", "/v3/roles", directory.is_fixed, "identity:create_role"),
        Route("GET", "/v3/role_assignments", roles.list_role_assignments, "identity:list_role_assignments"),
        Route("GET", "/v3/projects/{id}/users/{user}/roles", roles.list_grants, "identity:list_grants"),
        Route("GET", GRANT, roles.check_grant, "identity:check_grant"),
        Route("PUT", GRANT, roles.create_grant, "identity:create_grant"),
        Route("DELETE", GRANT, roles.revoke_grant, "identity:revoke_grant"),
        # what is fixed
        Route("GET", "/v3/domains", directory.list_domains, "identity:list_domains"),
        Route("GET", "/v3/domains/{id}", directory.show_domain, "identity:get_domain"),
        Route("POST", "/v3/domains", directory.is_fixed, "identity:create_domain"),
        Route("GET", "/v3/services", directory.list_services, "identity:list_services"),
        Route("GET", "/v3/services/{id}", directory.show_service, "identity:get_service"),
        Route("GET", "/v3/endpoints", directory.list_endpoints, "identity:list_endpoints"),
        Route("GET", "/v3/regions", directory.list_regions, "identity:list_regions"),
    ]
