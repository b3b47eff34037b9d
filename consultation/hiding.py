"""What takes contents from view, and what brings them back: which act of which statement stands for a content.

    withheld    ContentWithheld                   sealed, for an appeal
    redacted    ContentRedacted                   it brings a shorter text as a content of its own
    restored    ContentRestored                   the content stands again
    replaced    ContentRestored, of the shorter text of a redaction, which gives way
    withdrawn   StatementWithdrawn of a comment   also for the shorter texts of its redactions
    erased      ContentErased                     also for these; final, text and salt are destroyed

Of several acts on one content the weightiest stands: an erasure before all, an author's word before a moderator's, and
what a restoration replaced is not brought back. Of one rank it is the latest, but the first erasure or withdrawal, for
those are final. So the order in which somebody learns of the acts is of no matter. The marker in `contents/<N>` names
the statement of the act that stands.

The desk does what follows from this, and the auditor checks it: FORMAT.md, "Contents".
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from ledger.docket import Docket
from ledger.statement import Opened
from ledger.vocabulary import (
    ContentErased,
    ContentRedacted,
    ContentRestored,
    ContentWithheld,
    StatementWithdrawn,
)

Effect = Literal["withheld", "redacted", "restored", "replaced", "withdrawn", "erased"]

_RANKS: dict[Effect, int] = {"withheld": 1, "redacted": 1, "restored": 1, "replaced": 2, "withdrawn": 3, "erased": 4}
_FINAL = 3  # from this rank on the first act counts
_ENTRIES = 2**48  # more than any tree has

# Whose contents go out of view when their author takes the statement back. Of others the effect ends, the words stay.
COMMENTS = frozenset({"CommentSubmitted", "CommentTranscribed"})
ACTING = (ContentWithheld, ContentRedacted, ContentRestored, ContentErased, StatementWithdrawn)


class Act(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a statement does to a content.

    `statement` and `digest` name the content (its statement's identity, its salted digest), `of` is the index of its
    statement; `index` and `by` are the index and the identity of the statement that acts, `ground` is its ground.
    """

    statement: str
    digest: str
    of: int
    effect: Effect
    index: int
    by: str
    ground: str | None = None


def rank_of(effect: Effect) -> int:
    """Acts of a higher rank stand before others, however late those come."""
    return _RANKS[effect]


def weight_of(act: Act) -> int:
    """Of two acts on one content the one of more weight stands."""
    rank = _RANKS[act.effect]
    return rank * _ENTRIES + (_ENTRIES - 1 - act.index if rank >= _FINAL else act.index)


def standing(acts: Iterable[Act]) -> Act | None:
    """The act by which a content is out of view, of all acts on it; None when it is shown."""
    weightiest = max(acts, key=weight_of, default=None)
    return None if weightiest is None or weightiest.effect == "restored" else weightiest


def acts_of(index: int, opened: Opened, docket: Docket) -> list[Act]:
    """What the entry at `index` does to contents of earlier ones; mostly nothing.

    `docket` knows at least the entries up to it, and may know later ones.
    """
    statement = opened.statement
    if not isinstance(statement, ACTING):
        return []

    def act(places: Iterable[tuple[str, str]], effect: Effect, ground: str | None = None) -> list[Act]:
        known = ((place, docket.earlier(place[0])) for place in places)
        return [
            Act(*place, earlier.index, effect, index, opened.identity, ground)
            for place, earlier in known
            # Captured bytes are no content of the vault's.
            if earlier is not None and earlier.kind != "EvidenceCaptured" and earlier.index < index
        ]

    if isinstance(statement, StatementWithdrawn):
        earlier = docket.earlier(statement.statement)
        if earlier is None or earlier.kind not in COMMENTS:
            return []
        contents = [(statement.statement, digest) for digest in earlier.contents]
        return act([*contents, *_shorter(contents, docket)], "withdrawn")
    target = [(statement.target.statement, statement.target.salted_digest)]
    match statement:
        case ContentWithheld():
            return act(target, "withheld", statement.ground)
        case ContentRedacted():
            return [
                *act(target, "redacted", statement.ground),
                *_born_withdrawn(index, opened.identity, statement, docket),
            ]
        case ContentRestored():
            return [*act(target, "restored"), *act(_shorter(target, docket), "replaced")]
        case ContentErased():
            return act([*target, *_shorter(target, docket)], "erased", statement.ground)


def _born_withdrawn(index: int, identity: str, redacted: ContentRedacted, docket: Docket) -> list[Act]:
    """The shorter text of what its author has taken back before is never shown."""
    by = docket.moderated(identity, redacted.salted_digest).withdrawn
    at = docket.index_of(by) if by else None
    return [] if at is None or at > index else [Act(identity, redacted.salted_digest, index, "withdrawn", at, by)]


def _shorter(places: Iterable[tuple[str, str]], docket: Docket) -> Iterator[tuple[str, str]]:
    """The shorter texts that redactions put in the place of these contents, and in the place of those."""
    for place in places:
        for each in docket.moderated(*place).shorter:
            statement, _, digest = each.partition("/")
            yield statement, digest
            yield from _shorter([(statement, digest)], docket)
