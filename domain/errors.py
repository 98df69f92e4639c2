"""Why a command is refused. Each error is a sentence that the user can act on; the API maps the type to a status."""


class DomainError(Exception):
    """A command was refused; nothing has happened."""


class Invalid(DomainError):
    """What was asked for makes no sense (API: 400)."""


class NotFound(DomainError):
    """There is no such thing (API: 404)."""


class Conflict(DomainError):
    """It is asked for at the wrong time, or exists already (API: 409)."""


class IllegalInState(Conflict):
    """The action is not legal in the state that the instance is in (API: 409)."""

    def __init__(self, action: str, instance_id: str, attribute: str, state: str) -> None:
        super().__init__(f"Cannot '{action}' instance {instance_id} while it is in {attribute} {state}")
        self.action, self.instance_id, self.attribute, self.state = action, instance_id, attribute, state


class Locked(Conflict):
    """The instance is locked: only administrators may change it until it is unlocked (API: 409)."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"Instance {instance_id} is locked")


class NotReady(Conflict):
    """The instance is on no host that could do it (API: 409)."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"Instance {instance_id} is not ready")


class AddressesExhausted(Conflict):
    """The network has no free address left."""


class QuotaExceeded(DomainError):
    """The project, or the user, may not have more of it (API: 403)."""
