"""A ledger in which everything happens that can happen to evidence, told over nine months, for pages to be looked at.

C8 is the worked example of the methodology; G2 has a duty that recurs and was let go; G1 has evidence that it shares,
disputes of citizens, and what nobody answered.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import world as w
from service import put_on_disk
from test_grading import CONGRESO, D1, D2, D3, ICEFI, IRM, OWN, SEGEPLAN, Case, M
from world import C8, G1, G2, digest_of

from consultation.text import Content, SaltedContent

G3 = f"{w.PLAN}/G3"
COPRET, MINFIN = "copret:institution", "minfin:institution"
PAGE_OF_THE_LIST = b"<!doctype html><title>Lista</title><p>Uno, dos, tres.</p>"
SHARED = digest_of("a file that two commitments share")
HOSTILE = "\u202eIgnore <script>alert(1)</script> \u200b"


def tell() -> Case:
    """The story, from March to November of 2026: all of it is past on a server of today."""
    case = Case()
    world = case.world
    codes = {
        "verifiability": ["none", "low", "medium", "high"],
        "relevance": ["unclear", "civic_participation"],
        "ambition": ["unclear", "minor", "moderate"],
        "early_results": ["did_not_change", "marginal"],
    }
    world.say(
        "MethodologyAdopted",
        "copret:coordinator",
        ICEFI,
        version=2,
        parameters=w.METHODOLOGY | {"codes": codes},
        document=digest_of("methodology 2"),
    )
    _promised(case)
    _c8(case)
    _g1(case)
    _g2(case)
    return case


def _promised(case: Case) -> None:
    case.on("2026-03-01")
    case.mechanisms(1, 2, 3)
    day = {"precision": "day", "day": "2026-04-16"}
    case.say(
        "ContextNoted",
        ICEFI,
        first_day=day,
        last_day={"precision": "month", "day": "2026-09-01"},
        words={"text": "Una crisis política llevó a cambios de autoridades."},
    )
    case.say("OfficeHolderChanged", SEGEPLAN, institution="segeplan", post="Subsecretaría", on=day)
    for aspect, code in (("verifiability", "medium"), ("ambition", "moderate"), ("relevance", "civic_participation")):
        said: Any = {"aspect": aspect, "code": code, "words": {"text": f"Lo que dice el plan: {aspect}."}}
        case.say("CommitmentCoded", ICEFI, commitment=C8, **said)
    case.say(
        "CommitmentCoded", IRM, commitment=C8, aspect="ambition", code="minor", words={"text": "El alcance es menor."}
    )


def _c8(case: Case) -> None:
    case.on("2026-03-10")
    case.report()
    case.link("own", *M, url=OWN)
    case.link("D1", M[1])
    case.link("D2", *M, title=f"Informe a la coordinación {HOSTILE}")
    case.on("2026-03-14")
    case.capture("D1", D1, "rastreo:capturer")
    case.capture("D2", D2, "rastreo:capturer")
    case.on("2026-04-10")
    for name, digest in (("D1", D1), ("D2", D2)):
        case.capture(name, digest, "captura:capturer")
    case.on("2026-04-20")
    for name, digest in (("D1", D1), ("D2", D2)):
        case.check(name, "alive", "captura:capturer", digest)
    case.on("2026-04-30")
    dispute = case.dispute("D2", M[2], ICEFI)
    case.on("2026-06-05")
    case.answer(dispute)
    case.on("2026-06-20")
    case.resolve(dispute, "partly")
    case.verdict(M[0], "complete", ICEFI, D2)
    case.verdict(M[1], "complete", ICEFI, D1, D2)
    case.verdict(M[2], "limited", ICEFI, D2)
    for day in ("2026-07-20", "2026-08-01"):
        case.on(day)
        case.check("D2", "gone", "captura:capturer")
    case.on("2026-09-01")
    case.link("D3", M[2])
    case.capture("D3", D3, "captura:capturer")
    for mechanism, digests in zip(M, ((D2,), (D1, D2), (D2, D3)), strict=True):
        case.verdict(mechanism, "complete", IRM, *digests)
    day = {"precision": "day", "day": "2026-09-30"}
    fields: Any = {"institution": "segeplan", "mechanism": M[2], "due": day, "words": {"text": "El acta de cierre."}}
    case.say("EvidenceRequested", CONGRESO, **fields)


def _g1(case: Case) -> None:
    case.on("2026-09-05")
    case.say("CommitmentRegistered", "copret:coordinator", **w.commitment(G3))
    case.say("CompletionReported", COPRET, subject=G1, level="complete", reason="Hecho.", evidence=[])
    case.link("A", f"{G1}.M0", by=COPRET, url="http://example.gt/compartido?x=1")
    case.capture("A", SHARED, "captura:capturer")
    case.link("lista", f"{G1}.M0", f"{G3}.M0", by=COPRET)
    case.capture("lista", sha256(PAGE_OF_THE_LIST).hexdigest(), "captura:capturer")
    uses = [{"commitment": G1, "takes": "La columna de nombres."}, {"commitment": G3, "takes": "El total."}]
    case.say("SharedUseExplained", COPRET, evidence=[case.links["lista"]], uses=uses)
    case.link("home", f"{G1}.M0", by=COPRET, url="http://example.gt/", dated={"precision": "year", "day": "2012-01-01"})
    case.dispute("A", f"{G1}.M0", "ana:citizen")
    declined = case.dispute("home", f"{G1}.M0", "eva:citizen")
    words = {"text": "No es sobre este compromiso."}
    case.say("DisputeScreened", ICEFI, dispute=declined, screening="declined", words=words)
    case.dispute("home", f"{G1}.M0", IRM)


def _g2(case: Case) -> None:
    case.on("2026-09-06")
    fixed: Any = {"text": "Publicar cada mes", "means": "El informe del mes", "repeats": "recurring"}
    more: Any = {"period_days": 30, "grace_days": 5, "goal": {"value": 12, "decimals": 0, "unit": "informes"}}
    case.say("MechanismDefined", "copret:coordinator", mechanism=f"{G2}.M1", **fixed, **more)
    case.say("CompletionReported", MINFIN, subject=f"{G2}.M1", level="substantial", reason="Avanza.", evidence=[])
    case.link("mes", f"{G2}.M1", by=MINFIN, url="http://example.gt/compartido?x=1")
    case.capture("mes", SHARED, "captura:capturer")
    case.capture("mes", SHARED, MINFIN)
    case.verdict(f"{G2}.M1", "substantial", ICEFI, SHARED)
    case.verdict(f"{G2}.M1", "limited", CONGRESO, SHARED)
    given = case.world.entries[-1].opened.identity
    case.say("StatementWithdrawn", "congreso:holder", statement=given)
    case.on("2026-11-20")
    case.check("mes", "changed", "captura:capturer", digest_of("the next month"))


def put_story(folder: Path) -> Case:
    """The story on disk, each entry received on its day; the bytes of the list are kept in the archive."""
    case = tell()
    doubt = SaltedContent(salt=(b"s" * 32).hex(), content=Content(text="No lo muestra."))
    contents = {entry.index: [doubt] for entry in case.world.entries if entry.opened.statement.by[0].role == "citizen"}
    put_on_disk(case.world, folder, as_received=True, contents=contents)
    digest = sha256(PAGE_OF_THE_LIST).hexdigest()
    kept = folder / "archive" / digest[:2] / digest
    kept.parent.mkdir(parents=True)
    kept.write_bytes(PAGE_OF_THE_LIST)
    return case
