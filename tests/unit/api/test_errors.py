"""Which status an error of a layer below stands for."""

import pytest

from domain.errors import AddressesExhausted, Conflict, IllegalInState, Invalid, NotFound
from journal.errors import AggregateNotFound, AppendConflict, JournalError, LogUnavailable, OutcomeUnknown
from services.api.errors import Refusal, refusal_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 400),
        (NotFound("x"), 404),
        (AggregateNotFound("x"), 404),
        (Conflict("x"), 409),
        (AddressesExhausted("x"), 409),
        (IllegalInState("stop", "i", "vm_state", "stopped"), 409),
        (AppendConflict("x"), 409),
        (LogUnavailable("x"), 503),
        (OutcomeUnknown("x"), 503),
        (Refusal(413, "x"), 413),
    ],
)
def test_an_error_has_a_status(error: Exception, status: int) -> None:
    refusal = refusal_of(error)
    assert refusal is not None
    assert refusal.status == status


def test_the_domains_sentence_reaches_the_user() -> None:
    refusal = refusal_of(IllegalInState("stop", "i", "vm_state", "stopped"))
    assert refusal is not None
    assert refusal.message == "Cannot 'stop' instance i while it is in vm_state stopped"


def test_while_the_log_is_away_clients_are_told_to_come_again() -> None:
    refusal = refusal_of(LogUnavailable("nats: 10.0.0.1 refused"))
    assert refusal is not None
    assert refusal.headers == {"Retry-After": "1"}
    assert "10.0.0.1" not in refusal.message


@pytest.mark.parametrize("error", [ValueError("x"), JournalError("x")])
def test_a_fault_of_the_service_itself_has_none(error: Exception) -> None:
    assert refusal_of(error) is None


def test_what_may_have_happened_is_not_to_be_sent_again_unseen() -> None:
    refusal = refusal_of(OutcomeUnknown("x"))
    assert refusal is not None
    assert refusal.headers == {}
    assert "Look before you ask again" in refusal.message
