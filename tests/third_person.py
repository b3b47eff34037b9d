"""What a third person makes of a finding: its evidence is verified again, without the ledger and without the auditor.

    convince(finding, policy)          returns, or raises Unconvinced with what is lacking

The third person pins the same policy, and has nothing else: no file of the ledger, no other entry. So what is shown is
as much as the bytes in `evidence` show by themselves. Three things cannot be shown so by anybody, and who doubts them
asks the ledger again: that a file or a text is not there, and what a server answered without signing it.
"""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from consultation.text import Authority, Content, PublicLine, check_form, forms_of, parse_bundle_path, salted_digest
from consultation.text import parse_bundle as parse_contents
from ledger.errors import Misbehaviour, Refused
from ledger.published import is_published_path
from ledger.statement import Entry, Opened, canonical, open_statement, parse_entry
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.errors import FormatError
from ledger.tlog.merkle import HASH_SIZE, check_consistency, leaf_hash
from ledger.tlog.note import check_public_key, parse_base64, parse_vkey
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import ENTRIES, parse_path
from ledger.tlog.tiles import parse_bundle as parse_entries
from ledger.verify import open_entry
from ledger.vocabulary import (
    CommentSubmitted,
    CommentTranscribed,
    ContentErased,
    ContentRedacted,
    ContentRestored,
    ContentWithheld,
    LedgerOpened,
    StatementWithdrawn,
)
from projections.files import FORMATS
from projections.findings import Finding
from projections.heads import CLOCK_TOLERANCE_MS, MERGE_DELAY_MS

Evidence = Mapping[str, bytes]


class Unconvinced(Exception):
    """The evidence does not show what the finding says."""


UNSHOWABLE = {
    "missing-file": "that a file is not there shows only to whoever asks for it",
    "digest-differs": "a server does not sign what it answers",
    "record-differs": "a server does not sign what it answers",
}


def convince(finding: Finding, policy: Policy, now: int | None = None) -> None:
    """Raise Unconvinced unless the evidence shows what the finding says, to somebody who has only the policy.

    `now` is the third person's clock, in POSIX seconds, where the finding is about age.
    """
    if finding.kind in UNSHOWABLE:
        return
    if finding.kind in ("not-cosigned", "stale-checkpoint") and now is not None:
        _at_this_time(finding, finding.evidence, policy, now)
        return
    _CHECKS[finding.kind](finding, finding.evidence, policy)


def need(holds: bool, lacking: str) -> None:
    if not holds:
        raise Unconvinced(lacking)


def the(evidence: Evidence, name: str) -> bytes:
    """One piece of evidence."""
    need(name in evidence, f"no {name!r} among the evidence: {', '.join(evidence) or 'nothing'}")
    return evidence[name]


def origin_of(policy: Policy) -> str:
    return policy.logs[0].verifier.name


# --- heads ------------------------------------------------------------------------------------------------------------


def signed_heads(evidence: Evidence, policy: Policy) -> list[Checkpoint]:
    """The heads among the evidence that the log signed, the largest last."""
    heads: list[Checkpoint] = []
    for raw in evidence.values():
        try:
            heads.append(policy.check(raw).checkpoint)
        except FormatError:
            continue
    return sorted(heads, key=lambda each: each.size)


def hashes_of(lines: bytes) -> list[bytes]:
    """Hashes as the public formats write them: base64, one a line."""
    return [parse_base64(line, HASH_SIZE) for line in lines.decode().splitlines()]


def _fork(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    heads = signed_heads(evidence, policy)
    need(len(heads) == 2, "a fork needs two heads that the log signed")
    one, other = heads
    if one.size == other.size:
        need(one.root != other.root, "the two heads are of one tree")
        return
    # The larger tree began otherwise: a proof leads from another root at the smaller size to the larger head.
    (began,) = hashes_of(the(evidence, f"root at {one.size} under the newer head"))
    proof = hashes_of(the(evidence, f"consistency proof {one.size} to {other.size}"))
    need(began != one.root, "the smaller head is of the larger tree")
    try:
        check_consistency(one.size, began, other.size, other.root, proof)
    except FormatError as error:
        raise Unconvinced(error.message) from None


def _head_behind(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    heads = signed_heads(evidence, policy)
    need(len(heads) == 2 and heads[0].size < heads[1].size, "it takes the larger head and the smaller one")


def _bad_head(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    (raw,) = evidence.values() or [b""]
    try:
        checked = policy.check(raw)
        checked.require_quorum()
    except FormatError as error:
        reasons = {
            "foreign-checkpoint": error.reason in ("unknown-origin", "not-signed"),
            "not-cosigned": error.reason == "not-cosigned",
            "bad-checkpoint": True,
        }
        need(reasons[finding.kind], f"it fails otherwise: {error.message}")
        return
    need(finding.kind == "bad-checkpoint" and checked.checkpoint.size == 0, "nothing is wrong with this head")


def _at_this_time(finding: Finding, evidence: Evidence, policy: Policy, now: int) -> None:
    """By this clock the quorum is not there, or is as old as the finding says."""
    checked = policy.check(the(evidence, finding.path or ""), now=now)
    if finding.kind == "not-cosigned":
        need(not checked.quorum_reached, "the quorum cosigned it")
    else:
        need(f"{now - (checked.quorum_time or now)} seconds ago" in finding.detail, "it is younger")


def _heads_altered(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    now, then = the(evidence, finding.path or ""), the(evidence, "what an earlier audit read")
    need(not now.startswith(then), "what was read then is still there")


def _root_mismatch(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    (head,) = signed_heads(evidence, policy) or [None]
    need(head is not None and head.root == the(evidence, "signed root"), "the head that was signed")
    need(the(evidence, "root of the tiles") != the(evidence, "signed root"), "another root of the tiles")
    need(the(evidence, "root of the entries") != the(evidence, "signed root"), "another root of the entries")


def _log_key(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    founding = _note(the(evidence, "note"), policy).statement
    raw = the(evidence, finding.path or "")
    named = founding.log_keys if isinstance(founding, LedgerOpened) else ()
    try:
        signed = policy.check(raw).log_keys
    except FormatError:
        raise Unconvinced("no head that the pinned key signed") from None
    need(any(key.public_key.hex() not in named for key in signed), "the founding statement names this key")


# --- entries ----------------------------------------------------------------------------------------------------------


def _note(raw: bytes, policy: Policy) -> Opened:
    try:
        return open_statement(raw, origin_of(policy))
    except Refused as refused:
        raise Unconvinced(f"the note does not verify alone: {refused}") from None


def _entry(raw: bytes, policy: Policy) -> Entry:
    try:
        return open_entry(0, raw, origin_of(policy))
    except Misbehaviour as fault:
        raise Unconvinced(f"the entry does not verify alone: {fault}") from None


def _entry_altered(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    need(leaf_hash(the(evidence, "entry")) != the(evidence, "leaf hash in the tree"), "the entry is the tree's")


def _bad_entry(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    try:
        open_entry(finding.index or 0, the(evidence, "entry"), origin_of(policy))
    except Misbehaviour as fault:
        need(fault.kind == finding.kind, f"it is a {fault.kind}")
    else:
        raise Unconvinced("nothing is wrong with this entry")


def _forbidden(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    _note(the(evidence, "note"), policy)
    need(finding.rule is not None and finding.code is not None, "the rule that forbids it")


def _founding(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    founding = _note(the(evidence, "note"), policy)
    need(founding.identity in finding.detail, "the identity that the statement has")


def _twice(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    one, other = (_entry(the(evidence, name), policy) for name in ("entry", "first entry"))
    need(one.opened.identity == other.opened.identity, "two entries of one statement")


def _went_back(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    entry, before = (_entry(the(evidence, name), policy) for name in ("entry", "entry before"))
    need(entry.received_ms < before.received_ms, "two entries of which the later was received first")


def _time_impossible(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    received = parse_entry(the(evidence, "entry"))[0]
    checked = policy.check(the(evidence, "head"))
    need(checked.quorum_time is not None, "a head that the quorum cosigned")
    cosigned = (checked.quorum_time or 0) * 1_000
    if (finding.index or 0) < checked.checkpoint.size:
        need(received > cosigned + CLOCK_TOLERANCE_MS, "it was there when the head was cosigned")
    else:
        need(received < cosigned - MERGE_DELAY_MS - CLOCK_TOLERANCE_MS, "it could not have been in that head")


# --- files ------------------------------------------------------------------------------------------------------------


def _hashes(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    """A tile or a bundle: of the wrong form by itself, or other than the hashes that lead to the signed root."""
    path = finding.path or ""
    raw = the(evidence, path)
    tile = parse_path(path)
    try:
        entries = parse_entries(raw, tile.width) if tile.level == ENTRIES else []
    except FormatError:
        return
    hashes = b"".join(map(leaf_hash, entries)) if tile.level == ENTRIES else raw
    if len(hashes) != tile.width * HASH_SIZE:
        return
    right = the(evidence, "hashes in the tree")
    common = min(len(right), len(hashes))
    need(hashes[:common] != right[:common], "they are the tree's")


def _unknown_file(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    path = finding.path or ""
    try:
        day = date.fromisoformat(path.removeprefix("checkpoints/")).isoformat()
    except ValueError:
        day = ""
    is_day = path == f"checkpoints/{day}"
    need(is_day is False and (path.startswith("checkpoints/") or not is_published_path(path)), "a ledger may have it")


def _policy_file(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    try:
        published = parse_policy(the(evidence, "policy"))
    except FormatError:
        return
    keys = {log.verifier for log in policy.logs}
    strangers = [log for log in published.logs if log.verifier not in keys]
    need(bool(strangers or not published.logs), "it names the pinned keys of the log")


def _ledger_file(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    raw = the(evidence, "ledger.json")
    try:
        said = msgspec.json.decode(raw)
        keys = {log.verifier for log in policy.logs}
        fine = (
            canonical(said) + b"\n" == raw
            and said.keys() - {"desk_key"} == {"origin", "log_keys", "formats", "merge_delay_seconds"}
            and said["origin"] == origin_of(policy)
            and set(said["formats"]) <= FORMATS
            and said["merge_delay_seconds"] >= 1
            and bool(said["log_keys"])
            and all(parse_vkey(key) in keys for key in said["log_keys"])
        )
        if "desk_key" in said:
            check_public_key(bytes.fromhex(said["desk_key"]))
    except (ValueError, TypeError, AttributeError, KeyError):
        return
    need(not fine, "it says what the policy says")


# --- contents ---------------------------------------------------------------------------------------------------------


def _line(finding: Finding, evidence: Evidence) -> PublicLine:
    return msgspec.json.decode(the(evidence, finding.path or ""), type=PublicLine)


def _brings(finding: Finding, evidence: Evidence, policy: Policy) -> Opened:
    """The statement that the content is of: an anonymous digest says nothing of whose text it was."""
    return _note(the(evidence, "note"), policy)


def _content_missing(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    brought = _brings(finding, evidence, policy).statement.salted_digests()
    need(any(digest in finding.detail for digest in brought), "the statement brings no such content")


def _content_altered(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    need(line.salted_digest in opened.statement.salted_digests(), "the statement brings no such content")
    need(isinstance(line.content, Content), "a text")
    if isinstance(line.content, Content):
        signer = opened.statement.by[0].key
        given = salted_digest(bytes.fromhex(str(line.salt)), opened.origin, signer, line.content)
        need(given != line.salted_digest, "text and salt give the digest")


def _content_form(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    need(isinstance(line.content, Content), "a text")
    if isinstance(line.content, Content):
        try:
            check_form(line.content, forms_of(opened.statement)[line.salted_digest])
        except Refused:
            return
    raise Unconvinced("the text is of its form")


def _content_unknown(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    need(line.salted_digest not in opened.statement.salted_digests(), "the statement brings this content")


def _places(of: Opened, digest: str, evidence: Evidence, policy: Policy) -> list[tuple[str, str]]:
    """The content, then those in whose place it stands as a shorter text: (identity, salted digest)."""
    notes = [_note(raw, policy) for name, raw in evidence.items() if name.startswith("note")]
    known = {each.identity: each for each in notes} | {of.identity: of}
    places = [(of.identity, digest)]
    while (opened := known.get(places[-1][0])) is not None and isinstance(opened.statement, ContentRedacted):
        places.append((opened.statement.target.statement, opened.statement.target.salted_digest))
    return places


def _rank(by: Opened, of: Opened, digest: str, evidence: Evidence, policy: Policy) -> int:
    """How much a statement's word weighs on a content: 0 if it says nothing of it, then restored, withheld or redacted,
    a shorter text that gave way, withdrawn, erased."""
    places = _places(of, digest, evidence, policy)
    statement = by.statement
    if isinstance(statement, StatementWithdrawn):
        roots = [_note(raw, policy) for name, raw in evidence.items() if name.startswith("note")]
        comment = any(
            each.identity == places[-1][0] and isinstance(each.statement, CommentSubmitted | CommentTranscribed)
            for each in roots
        )
        return 3 if comment and statement.statement == places[-1][0] else 0
    if not isinstance(statement, ContentWithheld | ContentRedacted | ContentRestored | ContentErased):
        return 0
    target = (statement.target.statement, statement.target.salted_digest)
    if isinstance(statement, ContentErased):
        return 4 if target in places else 0
    if isinstance(statement, ContentRestored) and target in places[1:]:
        return 2
    return 1 if target == places[0] else 0


def _takes_away(by: Opened, of: Opened, digest: str, evidence: Evidence, policy: Policy) -> bool:
    rank = _rank(by, of, digest, evidence, policy)
    return rank > 1 or (rank == 1 and not isinstance(by.statement, ContentRestored))


def _content_marker(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    need(isinstance(line.by, Authority), "a marker")
    if "head" in evidence and isinstance(line.by, Authority):
        need(policy.check(evidence["head"]).checkpoint.size <= line.by.index, "the entry is there")
        return
    if "entry that came after it" in evidence:
        later = _came_later(opened, line, evidence, policy)
        need(_takes_away(later, opened, line.salted_digest, evidence, policy), "this one keeps nothing from view")
        return
    named = _note(the(evidence, "note named by the marker"), policy)
    if isinstance(line.by, Authority) and line.by.digest != named.identity:
        return  # it names two statements at once
    rank = _rank(named, opened, line.salted_digest, evidence, policy)
    if isinstance(line.by, Authority) and line.by.index < line.index and rank < 3:
        return  # it says itself that it acted before there was anything to act on; only an author's word reaches ahead
    need(
        not _takes_away(named, opened, line.salted_digest, evidence, policy),
        "the statement takes this content from view",
    )


def _came_later(opened: Opened, line: PublicLine, evidence: Evidence, policy: Policy) -> Opened:
    """The statement that counts now: of more weight than the one that the marker names, or as much and later."""
    named = _entry(the(evidence, "entry named by the marker"), policy)
    later = _entry(the(evidence, "entry that came after it"), policy)
    need(isinstance(line.by, Authority) and line.by.digest == named.opened.identity, "the marker names another")
    before, now = [_rank(each.opened, opened, line.salted_digest, evidence, policy) for each in (named, later)]
    need(now > 0, "the later statement says nothing of this content")
    need(now > before or (now == before and later.received_ms >= named.received_ms), "the one named counts still")
    return later.opened


def _content_kept_away(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    restored = _came_later(opened, line, evidence, policy).statement
    need(isinstance(restored, ContentRestored), "a restoration")
    if isinstance(restored, ContentRestored):
        target = (restored.target.statement, restored.target.salted_digest)
        need(target == (opened.identity, line.salted_digest), "another content was restored")


def _content_shown(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    opened, line = _brings(finding, evidence, policy), _line(finding, evidence)
    need(isinstance(line.content, Content), "a text that is shown")
    hiding = _note(the(evidence, "note that takes it from view"), policy)
    need(
        _takes_away(hiding, opened, line.salted_digest, evidence, policy),
        "the statement takes something else from view",
    )


def _content_malformed(finding: Finding, evidence: Evidence, policy: Policy) -> None:
    path = finding.path or ""
    try:
        parse_contents(the(evidence, path), parse_bundle_path(path))
    except Refused:
        return
    raise Unconvinced("the file is of its form")


_CHECKS: Mapping[str, Callable[[Finding, Evidence, Policy], None]] = {
    "bad-checkpoint": _bad_head,
    "foreign-checkpoint": _bad_head,
    "not-cosigned": _bad_head,
    "fork": _fork,
    "head-behind": _head_behind,
    "heads-altered": _heads_altered,
    "root-mismatch": _root_mismatch,
    "log-key": _log_key,
    "entry-altered": _entry_altered,
    "bad-entry": _bad_entry,
    "bad-statement": _bad_entry,
    "forbidden-statement": _forbidden,
    "founding-differs": _founding,
    "duplicate-statement": _twice,
    "time-went-back": _went_back,
    "time-impossible": _time_impossible,
    "tile-altered": _hashes,
    "bundle-altered": _hashes,
    "unknown-file": _unknown_file,
    "bad-policy-file": _policy_file,
    "bad-ledger-file": _ledger_file,
    "content-missing": _content_missing,
    "content-altered": _content_altered,
    "content-form": _content_form,
    "content-unknown": _content_unknown,
    "content-marker": _content_marker,
    "content-kept-away": _content_kept_away,
    "content-shown": _content_shown,
    "content-malformed": _content_malformed,
}
