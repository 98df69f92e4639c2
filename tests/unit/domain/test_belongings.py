"""What an owner keeps with an instance: details, metadata, tags."""

from functools import partial

from domain.errors import IllegalInState, Invalid, NotFound, QuotaExceeded
from domain.instance.deletion import delete, finish_unplaced_deletion
from domain.instance.details import Details, DetailsChanged, change_details
from domain.instance.instance import Instance
from domain.instance.metadata import MetadataChanged, delete_metadata, update_metadata
from domain.instance.placing import PlacementAsked
from domain.instance.request import InstanceRequested
from domain.instance.tags import TagsChanged, add_tag, remove_all_tags, remove_tag, replace_tags
from tests.unit.domain.specification import AT, ID, given, placed, requested, seen

RUNS = (placed(), seen())


def tagged(*tags: str) -> partial[None]:
    return partial(replace_tags, tags=tags, at=AT)


def deleted(instance: Instance) -> None:
    delete(instance, at=AT)
    finish_unplaced_deletion(instance, at=AT)


def test_details_change_and_the_others_stay() -> None:
    instance = (
        given(description="first")
        .when(partial(change_details, name="db", access_ipv4="192.0.2.7", at=AT))
        .then(DetailsChanged)
    )
    assert Details.of(instance) == Details("db", "vm", "first", "192.0.2.7", None, "MANUAL")
    assert instance.generation == 1


def test_what_is_said_already_is_not_said_again() -> None:
    given().when(partial(change_details, name="vm", description=None, at=AT)).then()
    given(*RUNS, tagged("a", "b")).when(tagged("b", "a", "b")).then()
    given(*RUNS, metadata={"a": "1"}).when(partial(update_metadata, items={"a": "1"}, at=AT)).then()


def test_a_deleted_instance_is_described_no_more() -> None:
    for change in (
        partial(change_details, name="db", at=AT),
        partial(update_metadata, items={"a": "1"}, at=AT),
        partial(delete_metadata, key="a", at=AT),
        partial(add_tag, tag="a", at=AT),
    ):
        given(deleted).when(change).then_raises(NotFound, f"Instance {ID} could not be found.")


def test_metadata_is_added_or_replaced() -> None:
    added = given(*RUNS, metadata={"a": "1"}).when(partial(update_metadata, items={"b": "2"}, at=AT))
    assert added.then(MetadataChanged).metadata == {"a": "1", "b": "2"}
    replaced = given(*RUNS, metadata={"a": "1"}).when(partial(update_metadata, items={"b": "2"}, replace=True, at=AT))
    assert replaced.then(MetadataChanged).metadata == {"b": "2"}
    less = given(*RUNS, metadata={"a": "1"}).when(partial(delete_metadata, key="a", at=AT))
    assert less.then(MetadataChanged).metadata == {}


def test_metadata_has_a_limit_unless_that_is_negative() -> None:
    two = partial(update_metadata, items={"a": "1", "b": "2"}, at=AT)
    given(*RUNS).when(partial(two, limit=1)).then_raises(QuotaExceeded, "Maximum number of metadata items exceeds 1")
    given(*RUNS).when(partial(two, limit=2)).then(MetadataChanged)
    given(*RUNS).when(partial(two, limit=-1)).then(MetadataChanged)


def test_metadata_that_is_not_there_cannot_be_deleted() -> None:
    given(*RUNS).when(partial(delete_metadata, key="a", at=AT)).then_raises(NotFound, "Metadata item was not found")


def test_tags_are_kept_sorted_and_once() -> None:
    instance = given(*RUNS).when(tagged("b", "a", "b")).then(TagsChanged)
    assert instance.tags == ["a", "b"]
    assert given(*RUNS, tagged("b")).when(partial(add_tag, tag="a", at=AT)).then(TagsChanged).tags == ["a", "b"]
    assert given(*RUNS, tagged("b", "a")).when(partial(remove_tag, tag="a", at=AT)).then(TagsChanged).tags == ["b"]
    assert given(*RUNS, tagged("b", "a")).when(partial(remove_all_tags, at=AT)).then(TagsChanged).tags == []
    given(*RUNS).when(partial(remove_all_tags, at=AT)).then()


def test_an_instance_has_at_most_fifty_tags() -> None:
    full = tagged(*(str(number) for number in range(50)))
    given(*RUNS, full).when(partial(add_tag, tag="more", at=AT)).then_raises(
        Invalid, "The number of tags exceeded the per-server limit 50"
    )
    given(*RUNS, full).when(partial(add_tag, tag="7", at=AT)).then()


def test_a_tag_that_it_does_not_have_cannot_be_taken_away() -> None:
    given(*RUNS).when(partial(remove_tag, tag="a", at=AT)).then_raises(NotFound, f"Server {ID} has no tag 'a'")


def test_metadata_and_tags_are_left_alone_while_it_is_built() -> None:
    given(placed()).when(partial(add_tag, tag="a", at=AT)).then_raises(
        IllegalInState, f"Cannot 'update tags' instance {ID} while it is in vm_state building"
    )
    given(placed()).when(partial(update_metadata, items={}, at=AT)).then_raises(
        IllegalInState, f"Cannot 'update metadata' instance {ID} while it is in vm_state building"
    )


def test_a_request_brings_with_it_what_was_said_of_it() -> None:
    assert [type(event) for event in requested().pending_events] == [InstanceRequested]
    instance = requested(tags=["b", "a"], details={"disk_config": "AUTO"}, host="host-1", hints={"group": "g"})
    assert [type(event) for event in instance.pending_events] == [
        InstanceRequested,
        DetailsChanged,
        TagsChanged,
        PlacementAsked,
    ]
    assert (instance.tags, instance.disk_config) == (["a", "b"], "AUTO")
    assert (instance.forced_host, instance.pinned_zone, instance.hints) == ("host-1", None, {"group": "g"})
