"""Who may act where: names that are given once, roles that are granted and taken, and what a deleted one takes no more."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.errors import Conflict, DomainError, NotFound
from domain.identity.credential import create_credential, delete_credential
from domain.identity.name import (
    UNDER_WAY,
    Name,
    NameReleased,
    NameTaken,
    NameTakenAgain,
    release_name,
    take_again,
    take_name,
)
from domain.identity.project import (
    ProjectChanged,
    ProjectDeleted,
    ProjectDisabled,
    ProjectEnabled,
    change_project,
    create_project,
    delete_project,
)
from domain.identity.role import IMPLIED_ROLES, effective_roles, grant, revoke
from domain.identity.user import (
    PasswordChanged,
    UserChanged,
    UserCreated,
    UserDisabled,
    change_user,
    create_user,
    delete_user,
    password_changed,
)
from tests.unit.domain.specification import AT
from tests.unit.domain.test_histories import refolded, state_of


def happened(aggregate: Any) -> list[type]:
    return [type(event) for event in aggregate.pending_events]


def test_a_change_that_changes_nothing_is_no_event() -> None:
    project = create_project("p", name="lab", description="x", at=AT)
    change_project(project, name="lab", description="x", enabled=True, at=AT)
    user = create_user("u", name="ann", at=AT)
    change_user(user, {"name": "ann", "email": None}, enabled=True, at=AT)
    assert len(project.pending_events) == len(user.pending_events) == 1


def test_a_project_is_changed_closed_opened_and_ended() -> None:
    project = create_project("p", name="lab", at=AT)
    change_project(project, name="works", enabled=False, at=AT)
    assert (project.name, project.enabled) == ("works", False)
    change_project(project, enabled=True, at=AT)
    delete_project(project, at=AT)
    assert happened(project)[1:] == [ProjectChanged, ProjectDisabled, ProjectEnabled, ProjectDeleted]


def test_a_user_is_made_with_all_that_is_said_of_it() -> None:
    user = create_user("u", name="ann", email="ann@example.org", enabled=False, at=AT)
    password_changed(user, at=AT)
    assert happened(user) == [UserCreated, UserChanged, UserDisabled, PasswordChanged]
    assert (user.name, user.email, user.description, user.enabled) == ("ann", "ann@example.org", None, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda user: change_user(user, {"name": "x"}, at=AT),
        lambda user: password_changed(user, at=AT),
        lambda user: grant(user, project_id="p", role="member", at=AT),
        lambda user: delete_user(user, at=AT),
    ],
)
def test_a_deleted_user_takes_no_more(change: Any) -> None:
    user = create_user("u", name="ann", at=AT)
    grant(user, project_id="p", role="member", at=AT)
    delete_user(user, at=AT)
    assert user.roles == {}
    with pytest.raises(NotFound, match=r"Could not find user: u\."):
        change(user)


def test_a_deleted_project_and_a_deleted_credential_take_no_more() -> None:
    project = create_project("p", name="lab", at=AT)
    delete_project(project, at=AT)
    with pytest.raises(NotFound):
        change_project(project, enabled=False, at=AT)
    credential = create_credential(
        "c", user_id="u", project_id="p", name="n", description=None, roles=["reader"], expires_at=None,
        unrestricted=False, at=AT,
    )  # fmt: skip
    delete_credential(credential, at=AT)
    with pytest.raises(NotFound):
        delete_credential(credential, at=AT)


def test_a_name_passes_from_one_to_the_next() -> None:
    name = take_name("project", "lab", holder="p", at=AT)
    release_name(name, holder="p", at=AT)
    take_again(name, holder="q", at=AT)
    take_again(name, holder="q", at=AT)
    assert happened(name) == [NameTaken, NameReleased, NameTakenAgain]
    assert name.holder == "q"


def test_a_name_in_use_is_not_given_away() -> None:
    name = take_name("project", "lab", holder="p", at=AT)
    release_name(name, holder="somebody else", at=AT)
    later = AT + UNDER_WAY
    with pytest.raises(Conflict, match=r"The name lab is in use\."):
        take_again(name, holder="q", at=later)
    with pytest.raises(Conflict):
        take_again(name, holder="q", abandoned_by="somebody else", at=later)


def test_a_name_whose_holder_never_came_to_be_is_given_away_after_a_while() -> None:
    name = take_name("project", "lab", holder="p", at=AT)
    with pytest.raises(Conflict):
        take_again(name, holder="q", abandoned_by="p", at=AT + UNDER_WAY - timedelta(seconds=1))
    take_again(name, holder="q", abandoned_by="p", at=AT + UNDER_WAY)
    assert name.holder == "q"


def test_every_role_brings_itself_and_only_roles_that_there_are() -> None:
    for role, implied in IMPLIED_ROLES.items():
        assert role in implied
        assert set(implied) <= IMPLIED_ROLES.keys()
        assert set(effective_roles(implied)) == set(implied)


class UserHistories(RuleBasedStateMachine):
    """Beside the user, what a person with a list of roles would expect of it."""

    def __init__(self) -> None:
        super().__init__()
        self.user = create_user("u", name="ann", at=AT)
        self.expected: set[tuple[str, str]] = set()
        self.events_when_deleted: int | None = None

    def attempt(self, change: Any, *args: Any, **parts: Any) -> bool:
        try:
            change(self.user, *args, at=AT, **parts)
        except DomainError:
            return False
        return True

    @rule(project=st.sampled_from("pq"), role=st.sampled_from(sorted(IMPLIED_ROLES)))
    def is_granted(self, project: str, role: str) -> None:
        if self.attempt(grant, project_id=project, role=role):
            self.expected.add((project, role))

    @rule(project=st.sampled_from("pq"), role=st.sampled_from(sorted(IMPLIED_ROLES)))
    def is_revoked(self, project: str, role: str) -> None:
        assert self.attempt(revoke, project_id=project, role=role) == ((project, role) in self.expected)
        self.expected.discard((project, role))

    @rule(name=st.sampled_from(["ann", "bob"]), enabled=st.sampled_from([None, True, False]))
    def is_changed(self, name: str, enabled: bool | None) -> None:
        self.attempt(change_user, {"name": name}, enabled=enabled)

    @rule()
    def has_another_password(self) -> None:
        self.attempt(password_changed)

    @rule(really=st.integers(0, 5))
    def is_deleted(self, really: int) -> None:
        if really == 0 and self.attempt(delete_user):
            self.expected = set()
            self.events_when_deleted = len(self.user.pending_events)

    @invariant()
    def it_has_the_roles_that_it_was_given_and_not_taken(self) -> None:
        has = [(project, role) for project, roles in self.user.roles.items() for role in roles]
        assert sorted(has) == sorted(self.expected)

    @invariant()
    def a_deleted_one_takes_no_more(self) -> None:
        assert self.events_when_deleted in (None, len(self.user.pending_events))

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        assert state_of(refolded(self.user)) == state_of(self.user)


class NameHistories(RuleBasedStateMachine):
    """A name has one holder at a time, whoever asks for it when."""

    def __init__(self) -> None:
        super().__init__()
        self.name: Name = take_name("user", "ann", holder="a", at=AT)
        self.holder: str | None = "a"

    @rule(holder=st.sampled_from("abc"))
    def is_asked_for(self, holder: str) -> None:
        if self.holder in (None, holder):
            take_again(self.name, holder=holder, at=AT)
            self.holder = holder
        else:
            with pytest.raises(Conflict):
                take_again(self.name, holder=holder, at=AT)

    @rule(holder=st.sampled_from("abc"))
    def is_given_back(self, holder: str) -> None:
        release_name(self.name, holder=holder, at=AT)
        if holder == self.holder:
            self.holder = None

    @invariant()
    def one_has_it_or_nobody(self) -> None:
        assert self.name.holder == self.holder
        assert state_of(refolded(self.name)) == state_of(self.name)


TestUserHistories = UserHistories.TestCase
TestNameHistories = NameHistories.TestCase
for case in (TestUserHistories, TestNameHistories):
    case.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
