"""A comment as far as it is public now: its state, and its text where that may be read.

What the record says at the view's size comes first; what the vault has taken from view since comes on top, because a
text that was hidden is not shown in older states either. Pages, search, feeds and exports all ask here, so none of them
shows what another hides.
"""

import msgspec

from api.record import Hidden, Ledger, Reader, Shown, View
from api.search import Asked, Found, Search
from consultation.text import Content
from ledger.vocabulary import commitment_of
from projections.rounds import Comment, Response, state_of

MAX_STEPS = 100


class Public(msgspec.Struct, frozen=True):
    """What is public of a comment. `by_index` is the entry that took (part of) it from view, `ground` what it gives."""

    state: str
    content: Content | None = None
    salt: str = ""
    ground: str = ""
    by_index: int | None = None

    def said(self, field: str = "text") -> str | None:
        """A field of the content (`text`, `name`, `place`), or None."""
        found = getattr(self.content, field, None)
        return found if isinstance(found, str) else None


def public(view: View, comment: Comment) -> Public:
    """A comment as it is public now, in a view of any size."""
    state = state_of(comment)
    if state not in ("shown", "redacted"):
        return Public(state, ground=comment.ground if state != "withdrawn" else "", by_index=getattr(comment, state))
    found = None
    if state == "redacted":  # the shorter text, which the redaction brings
        found = view.content(comment.redaction_by, comment.redaction)
        if isinstance(found, Shown):
            return Public(state, found.content, found.salt, comment.ground, comment.redacted)
    found = view.content(comment.identity, comment.salted_digest)
    if isinstance(found, Shown):
        return Public("shown", found.content, found.salt)
    if isinstance(found, Hidden):  # since
        return Public(_SINCE.get(found.effect, "withheld"), ground=found.ground or "")
    return Public(state)


# What an older state says of a text that is out of view by now. The shorter text of a later redaction is not its own.
_SINCE = {"withdrawn": "withdrawn", "erased": "erased"}


def filters_of(ledger: Ledger, comment: Comment) -> list[tuple[str, str]]:
    """What a comment may be filtered by, as (name, value); a mechanism's comment is its commitment's too."""
    about = {comment.about, commitment_of(comment.about)} if "/" in comment.about else {comment.about}
    flags = ["unanswered" if comment.answered is None else "answered", *["late"] * comment.late]
    return [
        *[("about", each) for each in sorted(about)],
        *[("flag", flag) for flag in flags],
        ("position", comment.position or "none"),
        ("channel", comment.channel),
        ("lang", comment.lang),
        ("state", state_of(comment)),
        ("day", ledger.day_of(comment.received_ms)),
    ]


def find(reader: Reader, search: Search, round_: str, asked: Asked) -> Found:
    """What the search finds, without what was acted on since it last looked: no word of a text that is hidden by now
    is found any more, and what a text shows anew is found a moment later. Raises sqlite3.Error."""
    while True:
        acted_on = frozenset(reader.vault.acted_on_since(search.position))
        found = search.find(round_, msgspec.structs.replace(asked, without=acted_on))
        if not asked.words or acted_on.issuperset(reader.vault.acted_on_since(search.position)):
            return found


_STEPS = (
    "withheld",
    "redacted",
    "restored",
    "erased",
    "withdrawn",
    "erasure_asked",
    "appealed",
    "contested",
    "changed",
)


def steps_of(view: View, comment: Comment) -> list[int]:
    """The entries that made a comment what it is, in their order: itself, its answers, what was done to its text."""
    prefix = f"{comment.round}/{comment.index:09d}/"
    answers = [one.index for _, one in view.records.scan(Response, prefix=prefix, limit=MAX_STEPS)]
    named = [getattr(comment, field) for field in _STEPS]
    return sorted({comment.index, *answers, *[index for index in named if index is not None]})
