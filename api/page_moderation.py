"""Every act of moderation, in public: what was done, on what ground, under which rule, by whom, and what became of it.

An act is about a text, or about a file that was captured as evidence, and is called by what it is about.

The counts by ground and organisation are records of their own (`ModerationCount`), so the page costs the same however
many acts there are. No text that was taken from view is here: acts carry none.
"""

from collections.abc import Iterable
from typing import Any

from litestar import Response
from msgspec import UNSET

from api.names import GROUNDS, MODERATION_ACTS
from api.problems import Problem
from api.reading import MAX_SCAN, Pages, Reading, answer, statement_at, words_of
from ledger.vocabulary import AppealDecided, EvidenceCaptured
from projections.roll import Known
from projections.rounds import Comment, ModerationAct, ModerationCount, Round

ACTS = 25


def moderation_page(reading: Reading) -> Response[bytes]:
    """The acts, the newest first; of one consultation, if `consulta` names one."""
    chosen = reading.query.get("consulta", "")
    records = reading.view.records
    if chosen and records.get(Round, chosen) is None:
        raise Problem(404, "There is no such consultation.")
    before = reading.number("desde", 0, reading.view.size, 0) or None
    found = records.last(ModerationAct, "moderation/", MAX_SCAN if chosen else ACTS + 1, before)
    acts = [act for act in found if not chosen or act.round == chosen]
    shown = acts[:ACTS]
    following = shown[-1].index if len(acts) > ACTS else found[-1].index if len(found) == MAX_SCAN else None
    place = reading.place
    kept = {"consulta": chosen} if chosen else {}
    return answer(
        reading,
        "moderation.html",
        chosen=chosen,
        rounds=[key for key, _ in records.scan(Round, limit=MAX_SCAN)],
        acts=[act_words(reading, act) for act in shown],
        tables=counts_of(reading, (one for _, one in records.scan(ModerationCount)), chosen),
        pages=Pages(
            before=place.to("moderacion", **kept) if before else None,
            after=place.to("moderacion", **kept, desde=following) if following else None,
        ),
    )


def act_words(reading: Reading, act: ModerationAct) -> dict[str, Any]:
    """One act as the page shows it, with its appeal and what was decided."""
    statement: Any = reading.view.entry(act.index).opened.statement
    decided = None if act.decided is None else reading.view.entry(act.decided).opened
    words = getattr(statement, "words", UNSET)
    outcome = ""
    if decided is not None and isinstance(decided.statement, AppealDecided):
        outcome = words_of(reading, decided.statement.words, decided.identity).text or ""
    file = file_of(reading, act)
    return {
        "named": reading.say.name("moderation_act" if file is None else "file_act", act.act),
        "file": "" if file is None else act.salted_digest,
        "file_href": "" if file is None else _to_evidence(reading, file),
        "index": act.index,
        "received_ms": act.received_ms,
        "ground": act.ground,
        "rule": _text(statement, "rule"),
        "authority": _text(statement, "authority"),
        "reason": "" if words is UNSET else words_of(reading, words, act.identity).text or "",
        "lang": statement.lang,
        "bodies": [
            (reading.actor(actor), reading.actor(of)) for actor, of in zip(act.actors, act.organisations, strict=True)
        ],
        "target": act.target,
        "target_href": _to_comment(reading, act),
        "round": act.round,
        "appeal_until": reading.say.when(act.appeal_until) if act.appeal_until else "",
        "appealed": act.appealed,
        "decided": act.decided,
        "decision": act.decision,
        "outcome": outcome,
        "undone": act.undone,
    }


def file_of(reading: Reading, act: ModerationAct) -> EvidenceCaptured | None:
    """The capture whose bytes an act is about; None where it is about a text."""
    target = statement_at(reading, act.target) if act.target >= 0 and not act.round else None
    return target if isinstance(target, EvidenceCaptured) else None


def _to_evidence(reading: Reading, captured: EvidenceCaptured) -> str:
    linked = reading.view.records.get(Known, captured.link)
    return "" if linked is None else reading.place.to("evidencia", linked.index)


def _text(statement: Any, field: str) -> str:
    found = getattr(statement, field, UNSET)
    return found if isinstance(found, str) else ""


def _to_comment(reading: Reading, act: ModerationAct) -> str:
    if not act.round or reading.view.records.get(Comment, f"{act.round}/{act.target:09d}") is None:
        return ""
    return reading.place.to("comentarios", act.statement[:12])


def counts_of(reading: Reading, counts: Iterable[ModerationCount], round_: str) -> dict[str, Any]:
    """The acts counted by ground and by organisation, each with one column for each act; both add up to the same."""
    grounds: dict[str, dict[str, int]] = {}
    bodies: dict[str, dict[str, int]] = {}
    for one in counts:
        if round_ in ("", one.round):
            rows = [(grounds, one.ground)] if not one.organisation else [(bodies, one.organisation)]
            for table, name in rows:
                row = table.setdefault(name, dict.fromkeys(MODERATION_ACTS, 0))
                row[one.act] += one.count
    say = reading.say
    return {
        "acts": list(MODERATION_ACTS),
        "grounds": [
            (say.name("ground", ground) if ground else reading.text("no ground: shown again"), grounds[ground])
            for ground in (*GROUNDS, "")
            if ground in grounds
        ],
        "bodies": sorted([(reading.actor(slug), row) for slug, row in bodies.items()]),
    }
