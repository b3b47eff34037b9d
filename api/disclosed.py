"""What is public now of the contents of one statement, and how a verdict says it: `constancia verify --contents`.

A receipt proves signature and position for ever; whether a text is shown is another matter, and may change. So the
verdict says both: "content withheld (personal data); signature and position valid". What is read here is checked as far
as one statement goes: a text gives its digest, a marker names a statement that is in the ledger and is well signed.
Whether that one may keep this content from view is judged by `constancia audit`.
"""

from collections.abc import Iterator, Mapping

import msgspec

from consultation.hiding import Effect
from consultation.text import BUNDLE, Authority, Content, PublicLine, bundle_path, parse_bundle, salted_digest
from ledger.errors import Misbehaviour, Refused
from ledger.statement import Entry
from ledger.tlog.errors import Malformed
from ledger.tlog.policy import Policy
from ledger.tlog.tiles import WIDTH, entries_path
from ledger.tlog.tiles import parse_bundle as parse_entries
from ledger.verify import Head, Source, judge_head, open_entry
from ledger.vocabulary import ContentErased, ContentRedacted, ContentRestored, ContentWithheld, StatementWithdrawn

# How a content that is out of view is called, in Spanish and English; the ground follows in brackets.
OUT_OF_VIEW: Mapping[Effect, tuple[str, str]] = {
    "withheld": ("contenido retenido", "content withheld"),
    "redacted": ("contenido mostrado en parte", "content redacted"),
    "replaced": ("texto abreviado que cedió su lugar al original", "shorter text that gave way to the full one"),
    "withdrawn": ("retirado por su autor", "withdrawn by its author"),
    "erased": ("contenido borrado", "content erased"),
}
VALID = ("la firma y el lugar son válidos", "signature and position valid")

_EFFECTS: Mapping[type, Effect] = {
    ContentWithheld: "withheld",
    ContentRedacted: "redacted",
    ContentRestored: "replaced",
    ContentErased: "erased",
    StatementWithdrawn: "withdrawn",
}


class Disclosed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is public of one content: its text, or what the statement at `by` did, and on which ground."""

    salted_digest: str
    text: Content | None = None
    effect: Effect | None = None
    ground: str | None = None
    by: int | None = None

    @property
    def words(self) -> tuple[str, str]:
        """What a verdict says of it, in Spanish and English."""
        if self.effect is None:
            return f"contenido a la vista; {VALID[0]}", f"content shown; {VALID[1]}"
        ground = f" ({self.ground})" if self.ground else ""
        es, en = OUT_OF_VIEW[self.effect]
        return f"{es}{ground}; {VALID[0]}", f"{en}{ground}; {VALID[1]}"


def disclosed(source: Source, policy: Policy, entry: Entry) -> Iterator[Disclosed]:
    """What `source` publishes now of each content that this entry brings.

    Raises Misbehaviour: content-missing, content-altered, content-malformed, content-marker, and what `judge_head` and
    `open_entry` raise.
    """
    lines = _lines(source, entry.index)
    for digest in entry.opened.statement.salted_digests():
        line = lines.get(digest)
        if line is None:
            detail = f"no text and no marker for the salted digest {digest}"
            raise Misbehaviour("content-missing", detail, index=entry.index)
        if isinstance(line.by, Authority):
            yield _marked(source, policy, digest, line.by)
        elif isinstance(line.content, Content):
            signer = entry.opened.statement.by[0].key
            given = salted_digest(bytes.fromhex(str(line.salt)), entry.opened.origin, signer, line.content)
            if given != digest:
                detail = f"text and salt give {given}, and the statement has {digest}"
                raise Misbehaviour("content-altered", detail, index=entry.index)
            yield Disclosed(digest, line.content)


def _lines(source: Source, index: int) -> dict[str, PublicLine]:
    """The lines of one entry, by salted digest."""
    path = bundle_path(index // BUNDLE)
    try:
        lines = parse_bundle(source.read(path) or b"", index // BUNDLE)
    except Refused as refusal:
        raise Misbehaviour("content-malformed", str(refusal), path=path) from None
    return {line.salted_digest: line for line in lines if line.index == index}


def _marked(source: Source, policy: Policy, digest: str, by: Authority) -> Disclosed:
    path = "checkpoint" if source.read("head") is None else "head"
    head = judge_head(source.read(path) or b"", policy, path=path, quorum=False)
    named = entry_at(source, head, by.index).opened if by.index < head.size else None
    effect = None if named is None or named.identity != by.digest else _EFFECTS.get(type(named.statement))
    if effect is None or named is None:
        detail = f"entry {by.index} ({by.digest[:16]}…) takes no content from view"
        raise Misbehaviour("content-marker", detail, index=by.index)
    return Disclosed(digest, None, effect, getattr(named.statement, "ground", None), by.index)


def entry_at(source: Source, head: Head, index: int) -> Entry:
    """One entry, by the bundle that has it. Raises Misbehaviour."""
    number, slot = divmod(index, WIDTH)
    width = min(WIDTH, head.size - number * WIDTH)
    path = entries_path(number, width)
    raw = source.read(path)
    if raw is None and width < WIDTH:
        path, width = entries_path(number), WIDTH
        raw = source.read(path)
    try:
        return open_entry(index, parse_entries(raw or b"", width)[slot], head.origin)
    except Malformed as error:
        raise Misbehaviour("missing-file", f"no entries can be read there: {error.message}", path=path) from None
