"""Registering the drafts of a printed report, so that it can be broken off anywhere and run again.

    registrar = Registering(drafts, origin, key, actor)
    for outcome in registrar.run(post, already):  ...

What stands in the record already is read from the record itself: each printed item is there once (rule A5), under its
source, kind and item. So nothing is kept on this machine between two runs, a run that was killed leaves nothing half
done (a statement and its contents go in together), and the next one goes on where the first had come to. A draft that
names another (`$ref`) finds its identity there too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from nacl.signing import SigningKey

from api.importer import Draft, complete_draft
from api.keyfiles import public_hex
from api.posting import Answer, Post
from api.signing import Json, Signed, sign_draft
from ledger.errors import Refused
from ledger.statement import Entry

# Refusals that every further draft would meet too: the key, its grant, the ledger.
HOPELESS = frozenset({"unknown-key", "revoked-key", "role-scope", "wrong-origin", "bad-signature", "weak-key"})

Item = tuple[str, str, str]
"""Source, kind and item: what the record has once."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a draft: registered now, found there already, refused, or left because of one it names."""

    name: str
    became: str  # registered, already, refused, left
    refused: Refused | None = None


def item_of(draft: Draft) -> Item:
    """What the record has once."""
    printed: Json = draft.statement["printed"]
    return printed["source"], draft.statement["kind"], printed["item"]


def printed_items(entries: Iterator[Entry]) -> dict[Item, str]:
    """The identity of every printed statement of a record."""
    found: dict[Item, str] = {}
    for entry in entries:
        printed = getattr(entry.opened.statement, "printed", msgspec.UNSET)
        if printed is not msgspec.UNSET:
            found[printed.source, entry.opened.statement.kind, printed.item] = entry.opened.identity
    return found


def sign_printed(
    draft: Draft, references: Mapping[str, str], origin: str, key: SigningKey, actor: str, now_ms: int
) -> Signed:
    """Sign a draft as the importer. Raises KeyError when it names a draft that `references` has not."""
    # The digests are made while signing, so the contents are put where they stand first.
    inline = [{"$content": dict(content)} for content in draft.contents]
    statement = complete_draft(draft, references, inline)  # type: ignore[arg-type]
    by = [{"actor": actor, "key": public_hex(key), "role": "importer"}]
    return sign_draft(statement, origin, [key], by=by, now_ms=now_ms)


def register(
    drafts: Sequence[Draft], post: Post, there: Mapping[Item, str], origin: str, key: SigningKey, actor: str
) -> Iterator[Outcome]:
    """Register the drafts in their order; `there` are the printed items that the record has already.

    Ends after a refusal that all others would meet too. Raises CannotRun where the server cannot be asked.
    """
    references: dict[str, str] = {}
    for draft in drafts:
        known = there.get(item_of(draft))
        if known is not None:
            references[draft.name] = known
            yield Outcome(draft.name, "already")
            continue
        try:
            signed = sign_printed(draft, references, origin, key, actor, time.time_ns() // 1_000_000)
            answer = _insist(post, signed)
        except KeyError:
            yield Outcome(draft.name, "left")
        except Refused as refused:
            # Another run may have been quicker.
            taken = refused.code == "id-conflict"
            yield Outcome(draft.name, "already" if taken else "refused", refused)
            if refused.code in HOPELESS:
                return
        else:
            references[draft.name] = answer.identity
            yield Outcome(draft.name, "registered" if answer.fresh else "already")


def _insist(post: Post, signed: Signed, patience: int = 6) -> Answer:
    """Post, and again after a while when the server is busy."""
    for attempt in range(patience):
        try:
            return post.submit(signed.body, signed.media_type)
        except Refused as refused:
            if refused.code not in ("busy", "rate-limit") or attempt == patience - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable")
