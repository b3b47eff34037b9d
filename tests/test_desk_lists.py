"""Lists with the newest first, over records that are only ever read forwards; and who asked for an erasure."""

from typing import Any

import world as w
from hypothesis import given
from hypothesis import strategies as st

from api.page_desks import newest_first
from projections.records import DictRecords, index_key
from projections.replay import replay
from projections.rounds import ErasureAsked, Response


class Counted(DictRecords):
    """Records that count how many were read."""

    read = 0

    def scan(self, kind: Any, prefix: str = "", after: str = "", limit: int | None = None) -> Any:
        for found in super().scan(kind, prefix, after, limit):
            self.read += 1
            yield found


def records_at(indexes: list[int]) -> Counted:
    """One record at each of these indexes of `a`, and others beside them."""
    records = Counted()
    for path in ("A", "a", "a-b", "b"):
        for index in indexes:
            answer = Response(
                round=path,
                comment=0,
                index=index,
                identity="",
                received_ms=0,
                disposition="accepted",
                actor="",
                role="",
            )
            records.put(index_key(path, index), answer)
    return records


@given(st.sets(st.integers(0, 5_000), max_size=300), st.integers(0, 5_001), st.integers(1, 60))
def test_the_newest_come_first_and_none_is_left_out(indexes: set[int], before: int, count: int) -> None:
    found = newest_first(records_at(sorted(indexes)), Response, "a", before, count)
    assert [one.index for one in found] == sorted([each for each in indexes if each < before], reverse=True)[:count]
    assert {one.round for one in found} <= {"a"}


@given(st.integers(1_000, 900_000_000))
def test_what_a_page_costs_does_not_grow_with_the_ledger(last: int) -> None:
    for indexes in ([last], [1, last], list(range(last - 400, last))):
        records = records_at(indexes)
        newest_first(records, Response, "a", last + 1, 50)
        assert records.read < 800


def test_a_request_for_erasure_is_kept_with_who_asked() -> None:
    world = w.found()
    world.open_round()
    said = [world.say("CommentSubmitted", f"{who}:citizen", **world.comment(who, who)) for who in ("ana", "eva")]
    targets = [
        {"statement": one.opened.identity, "salted_digest": one.opened.statement.salted_digests()[0]} for one in said
    ]
    own = world.say("ErasureRequested", "ana:citizen", target=targets[0], ground="consent_withdrawn")
    other = world.say("ErasureRequested", "vigilante:moderator", target=targets[1], ground="legal_order", authority="J")

    records = DictRecords()
    replay(world.entries, records)

    found = [one for _, one in records.scan(ErasureAsked)]
    assert [(one.index, one.target, one.round, one.ground, one.actor) for one in found] == [
        (own.index, said[0].index, "ronda-1", "consent_withdrawn", ""),
        (other.index, said[1].index, "ronda-1", "legal_order", "vigilante"),
    ]
