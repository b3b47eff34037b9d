"""The page of one piece of evidence: what anybody needs to judge it for themselves.

    /gt/evidencia/<index>      what was linked, for what and by whom; each capture and check; its grade for each
                               mechanism and why; who else uses the same; its disputes with their clocks; the verdicts
                               that cite it. The index is that of its EvidenceLinked

A file can be dropped there: the browser computes its SHA-256 and says which capture it is, if any (static/compare.js).
It goes nowhere. Without JavaScript the page shows the command that computes the same.
"""

import json
from collections.abc import Sequence
from typing import Any

from litestar import Response
from msgspec import UNSET

from api.names import OBJECTIONS, msg
from api.page_archives import bytes_here
from api.page_commenting import TONGUES, words_of_script
from api.problems import Problem
from api.reading import Reading, answer, code_of, line_of, member_of, statement_at
from api.standings import Telling, item_words
from api.standings import code_of as mechanism_code
from ledger.vocabulary import EvidenceCaptured, EvidenceChecked, EvidenceLinked, SharedUseExplained
from projections.commitments import Commitment
from projections.evidence import Evidence, Sight, shared_with
from projections.records import index_key
from projections.roll import Known

FILE_HERE = msg("FILE")
REASONS_HERE = msg("Write your reasons here")

WORDS = {
    "compare-working": msg("Computing the digest of the file…"),
    "compare-same": msg("It is the file that was captured: the same bytes as in %(captures)s."),
    "compare-upload": msg("It is the file that was linked: the same bytes."),
    "compare-other": msg(
        "It is none of the files that were captured here. One different byte is enough: a page that shows its date "
        "differs at each visit."
    ),
    "compare-none": msg("Nothing was captured here yet, so there is nothing to compare with."),
    "compare-failed": msg("The file could not be read: %(detail)s."),
    "compare-digest": msg("SHA-256 digest of the file:"),
    "capture": msg("capture no. %(number)s"),
    "error.objection": msg("Choose what is wrong with it."),
}


def evidence_page(reading: Reading) -> Response[bytes]:
    """One piece of evidence."""
    index, linked = linked_at(reading)
    entry = reading.view.entry(index)
    known = reading.view.records.get(Known, entry.opened.identity)
    found = records_of(reading, known, index)
    if not found:
        raise Problem(404, "There is no such evidence.")
    tellings = [Telling(reading, commitment) for commitment, _ in found]
    evidence = found[0][1]
    sights = [
        sight for _, sight in reading.view.records.scan(Sight, prefix=f"{index_key(evidence.commitment, index)}/")
    ]
    captures = [capture_words(tellings[0], sight) for sight in sights if sight.seen == "captured"]
    digests = list(dict.fromkeys(capture["digest"] for capture in captures))
    return answer(
        reading,
        "evidence.html",
        e=item_words(reading, evidence)
        | {
            "shows": evidence.shows,
            "publisher": evidence.publisher,
            "dated": evidence.dated,
            "withdrawn": evidence.withdrawn,
            "identity": entry.opened.identity,
        },
        line=line_of(reading, entry),
        statement=linked,
        answers=[] if linked.answers is UNSET else _indexes(reading, linked.answers),
        uses=[use_words(telling, index) for telling in tellings],
        captures=captures,
        digests=digests,
        checks=[check_words(tellings[0], sight) for sight in sights if sight.seen != "captured"],
        others=other_uses(reading, found),
        disputes=[telling.dispute(dispute, index) for telling in tellings for dispute in telling.disputes_of(index)],
        verdicts=[verdict for telling in tellings for verdict in citing(telling, digests)],
        to_compare={"digests": {digest: number for number, digest in enumerate(digests, 1)}, "upload": evidence.upload},
        words_of_script=words_of_script(reading) | {code: reading.text(sentence) for code, sentence in WORDS.items()},
        may_dispute=not reading.place.keep and evidence.withdrawn is None,
        disputable=[
            {"mechanism": mechanism, "code": code_of(mechanism).removesuffix(".M0"), "title": commitment.title}
            for commitment, one in found
            for mechanism in one.mechanisms
        ],
        objections=[(code, reading.text(label)) for code, label in OBJECTIONS.items()],
        tongues=TONGUES,
        command=f"sha256sum {reading.text(FILE_HERE)}",
        dispute_commands=dispute_commands(reading, linked, entry.opened.identity),
        basis=tellings[0].basis(),
        answer_days=reading.say.number(tellings[0].situation.parameters.answer_days),
        offset=reading.say.offset,
    )


def dispute_commands(reading: Reading, linked: EvidenceLinked, identity: str) -> str:
    """How to dispute it from a command line: a key, a draft, a signature, and off it goes."""
    content = {"salted_digest": {"$content": {"text": reading.text(REASONS_HERE)}}}
    about = {"kind": "EvidenceDisputed", "plan": linked.plan, "link": identity, "mechanism": linked.for_[0]}
    draft = json.dumps({**about, "objection": "not_relevant", "words": content}, ensure_ascii=False)
    place = reading.place
    return (
        "constancia key new mi-llave\n"
        f"echo '{draft}' > objecion.json\n"
        f"constancia sign objecion.json --key mi-llave --role citizen --origin {reading.view.ledger.origin}\n"
        f"constancia submit objecion.submission.json --to {place.base}{place.raw()}"
    )


def linked_at(reading: Reading) -> tuple[int, EvidenceLinked]:
    """The entry that the address names, and the link that it holds. Raises Problem (404)."""
    raw = reading.place.segments[1]
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 15 and str(int(raw)) == raw):
        raise Problem(404, "There is no such evidence.")
    statement = statement_at(reading, int(raw)) if int(raw) < reading.view.size else None
    if not isinstance(statement, EvidenceLinked):
        raise Problem(404, "There is no evidence linked by that entry.")
    return int(raw), statement


def records_of(reading: Reading, known: Known | None, index: int) -> list[tuple[Commitment, Evidence]]:
    """What the record keeps of a link: one for each commitment that it is for."""
    records = reading.view.records
    found: list[tuple[Commitment, Evidence]] = []
    for topic in known.topics if known else ():
        commitment, evidence = records.get(Commitment, topic), records.get(Evidence, index_key(topic, index))
        if commitment is not None and evidence is not None:
            found.append((commitment, evidence))
    return found


def use_words(telling: Telling, index: int) -> dict[str, Any]:
    """For which mechanisms of a commitment it was linked, with its grade for each and why."""
    return {
        **member_of(telling.reading, telling.commitment),
        "mechanisms": [
            {"code": mechanism_code(mechanism.mechanism), "reaches": mechanism.best, **telling.item(grade)}
            for mechanism in telling.standing.mechanisms
            for grade in mechanism.grades
            if grade.link == index
        ],
    }


def citing(telling: Telling, digests: Sequence[str]) -> list[dict[str, Any]]:
    """The verdicts on a commitment's mechanisms that cite any of these digests."""
    found = [telling.verdict(one) for mechanism in telling.standing.mechanisms for one in mechanism.verdicts]
    c = member_of(telling.reading, telling.commitment)
    return [one | {"c": c} for one in found if set(one["digests"]) & set(digests)]


def capture_words(telling: Telling, sight: Sight) -> dict[str, Any]:
    """A capture: by whom, when it was received, what bytes, how they came, and whether they can be had here."""
    reading = telling.reading
    captured = statement_at(reading, sight.index)
    assert isinstance(captured, EvidenceCaptured)
    organisation = telling.situation.organisation(sight.actor)
    return {
        "index": sight.index,
        "who": reading.actor(sight.actor),
        "of": reading.actor(organisation) if organisation != sight.actor else "",
        "independent": telling.independent(sight.actor),
        "received_ms": sight.received_ms,
        "captured_at": captured.captured_at,
        "digest": sight.digest,
        "size": sight.size,
        "media_type": sight.media_type,
        "method": sight.method,
        "status": None if captured.http_status is UNSET else captured.http_status,
        "final_url": "" if captured.final_url is UNSET else captured.final_url,
        "kept": bytes_here(reading, sight.digest),
    }


def check_words(telling: Telling, sight: Sight) -> dict[str, Any]:
    """A check: by whom, when, and what was seen."""
    checked = statement_at(telling.reading, sight.index)
    assert isinstance(checked, EvidenceChecked)
    return {
        "index": sight.index,
        "who": telling.reading.actor(sight.actor),
        "independent": telling.independent(sight.actor),
        "received_ms": sight.received_ms,
        "checked_at": checked.checked_at,
        "seen": sight.seen,
        "digest": sight.digest,
    }


def other_uses(reading: Reading, found: Sequence[tuple[Commitment, Evidence]]) -> list[dict[str, Any]]:
    """Other commitments that the same address or the same bytes serve, each with the explanation, if there is one."""
    records = reading.view.records
    rows: list[dict[str, Any]] = []
    for own, evidence in found:
        unexplained = shared_with(records, evidence)
        for identifier, link in evidence.alike:
            other = records.get(Commitment, identifier)
            theirs = records.get(Evidence, index_key(identifier, link))
            if other is None or theirs is None:
                continue
            both = {own.commitment, identifier}
            explained = [entry for entry, named in (*evidence.explained, *theirs.explained) if both <= {*named}]
            rows.append(
                {
                    **member_of(reading, other),
                    "own": code_of(own.commitment),
                    "link": link,
                    "link_href": reading.place.to("evidencia", link),
                    "explained": link not in unexplained,
                    "explanations": [explanation_words(reading, entry) for entry in dict.fromkeys(explained)],
                }
            )
    return rows


def explanation_words(reading: Reading, index: int) -> dict[str, Any]:
    """What each commitment takes from the same evidence, as the institution says."""
    entry = reading.view.entry(index)
    statement = entry.opened.statement
    assert isinstance(statement, SharedUseExplained)
    return {
        "line": line_of(reading, entry),
        "takes": [{"code": code_of(use.commitment), "text": use.takes} for use in statement.uses],
        "lang": statement.lang,
    }


def _indexes(reading: Reading, identities: Sequence[str]) -> list[int]:
    found = [reading.view.index_of(identity) for identity in identities]
    return [index for index in found if index is not None]
