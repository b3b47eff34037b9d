"""The command `assess`: what assessors and the IRM state about commitments, mechanisms and evidence.

As with the other officers' commands, each asks the ledger for what it needs, drafts the statement, has it tried by the
rulebook before anything is signed, signs it with --key, shows it, and sends it once it is agreed upon.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from api.command import ANY_PATH, argument, ask_passphrase, command, constancia, group, option, say, spoken
from api.command_rounds import acting, reasons_option, salted_option, words_in
from ledger.errors import CannotRun

LEVELS = ("complete", "substantial", "limited", "not_started", "no_evidence_available")
COMMITMENT = say("COMPROMISO", "COMMITMENT")
MECHANISM = say("MECANISMO", "MECHANISM")
ENTRY = say("ASIENTO", "ENTRY")
JUDGES = ("irm", "assessor")

plan_option = option("--plan", help=say("El plan, si hay varios.", "The plan, where there are several."))
level_option = option(
    "--level",
    type=click.Choice(LEVELS),
    required=True,
    help=say("El nivel que usted halla.", "The level that you find."),
)


@group(
    constancia,
    help=say(
        "Da dictámenes y niveles, codifica compromisos, pide evidencia, objeta y resuelve. Cada acto queda a la vista.",
        "Give verdicts and levels, code commitments, ask for evidence, dispute and resolve. Every act stays in public.",
    ),
)
@spoken
def assess() -> None:
    """Assessment."""


def _desk(url: str | None, key_file: Path) -> Any:
    from api.officers import Desk, ledger_of

    return Desk(ledger_of(url), key_file, ask_passphrase)


def _how(options: dict[str, Any]) -> Any:
    from api.officers import How

    return How(**options)


def judging(function: Callable[..., Any]) -> Callable[..., Any]:
    """Reasons, and the options of every act."""
    return reasons_option(salted_option(acting(function)))


@command(
    assess,
    "verdict",
    help=say(
        "Da un dictamen sobre un mecanismo (C8.M1), con los archivos que usted leyó: por su resumen SHA-256, o por "
        "el archivo mismo, del que se calcula aquí.",
        "Give a verdict on a mechanism (C8.M1), with the files that you have read: by their SHA-256 digest, or the "
        "file itself, of which it is computed here.",
    ),
)
@argument("mechanism", metavar=MECHANISM)
@level_option
@option(
    "--digest",
    "digests",
    multiple=True,
    help=say("Resumen de lo leído; se repite.", "Digest of what was read; repeat."),
)
@option(
    "--read",
    "files",
    multiple=True,
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("Un archivo que leyó; se repite.", "A file that you have read; repeat."),
)
@plan_option
@judging
def assess_verdict(
    mechanism: str,
    level: str,
    digests: Sequence[str],
    files: Sequence[Path],
    plan: str | None,
    reasons: str,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Give a verdict."""
    from api.officers import digest_of

    read = list(dict.fromkeys([*digests, *[digest_of(file) for file in files]]))
    if not read:
        raise CannotRun(
            "Un dictamen nombra lo que se leyó.",
            "A verdict names what was read.",
            "Dé --digest o --read; los resúmenes están en la página de cada evidencia.",
            "Give --digest or --read; the digests stand on the page of each piece of evidence.",
        )
    with _desk(url, key_file) as desk:
        identifier, commitment = desk.mechanism(mechanism, plan)
        draft = {"kind": "VerdictGiven", "plan": commitment.plan, "mechanism": identifier, "level": level}
        draft |= {"digests": read, "words": words_in(reasons, salted=salted)}
        desk.state_by([desk.signer(*JUDGES)], draft, _how(how))


@command(
    assess,
    "code",
    help=say(
        "Codifica un aspecto de un compromiso, con un código de la metodología vigente.",
        "Code one aspect of a commitment, by a code of the methodology in force.",
    ),
)
@argument("commitment", metavar=COMMITMENT)
@option(
    "--aspect",
    type=click.Choice(["verifiability", "relevance", "ambition", "early_results"]),
    required=True,
    help=say("El aspecto.", "The aspect."),
)
@option("--code", required=True, help=say("El código.", "The code."))
@plan_option
@judging
def assess_code(
    commitment: str,
    aspect: str,
    code: str,
    plan: str | None,
    reasons: str,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Code a commitment."""
    with _desk(url, key_file) as desk:
        found = desk.commitment(commitment, plan)
        draft = {"kind": "CommitmentCoded", "plan": found.plan, "commitment": found.commitment, "aspect": aspect}
        draft |= {"code": code, "words": words_in(reasons, salted=salted)}
        desk.state_by([desk.signer(*JUDGES)], draft, _how(how))


@command(
    assess,
    "level",
    help=say(
        "Dice hasta dónde llegó un compromiso; queda al lado de lo reportado.",
        "Say how far a commitment has come; it stands beside what is reported.",
    ),
)
@argument("commitment", metavar=COMMITMENT)
@level_option
@option(
    "--evidence",
    "links",
    multiple=True,
    metavar=ENTRY,
    help=say("Asiento de una evidencia; se repite.", "Entry of a piece of evidence; repeat."),
)
@option("--assessment", help=say("La evaluación de la que es parte.", "The assessment that it is part of."))
@plan_option
@reasons_option
@acting
def assess_level(
    commitment: str,
    level: str,
    links: Sequence[str],
    assessment: str | None,
    plan: str | None,
    reasons: str,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Give a commitment's level."""
    with _desk(url, key_file) as desk:
        found = desk.commitment(commitment, plan)
        evidence = [desk.named(link, "EvidenceLinked") for link in links]
        draft = {"kind": "CompletionAssessed", "plan": found.plan, "commitment": found.commitment, "level": level}
        draft |= {"reason": reasons, "evidence": evidence}
        draft |= {"assessment": assessment} if assessment else {}
        desk.state_by([desk.signer(*JUDGES, "coordinator")], draft, _how(how))


@command(
    assess,
    "request",
    help=say(
        "Pide evidencia de un mecanismo a la institución que responde por él, con un día.",
        "Ask the institution responsible for a mechanism for evidence of it, by a day.",
    ),
)
@argument("mechanism", metavar=MECHANISM)
@option("--due", required=True, metavar=say("DÍA", "DAY"), help=say("Día, como 2026-12-15.", "Day, as 2026-12-15."))
@plan_option
@judging
def assess_request(
    mechanism: str, due: str, plan: str | None, reasons: str, salted: bool, url: str | None, key_file: Path, **how: Any
) -> None:
    """Ask for evidence."""
    with _desk(url, key_file) as desk:
        identifier, commitment = desk.mechanism(mechanism, plan)
        draft = {"kind": "EvidenceRequested", "plan": commitment.plan, "institution": commitment.institution}
        draft |= {"mechanism": identifier, "words": words_in(reasons, salted=salted)}
        draft |= {"due": {"precision": "day", "day": due}}
        desk.state_by([desk.signer(*JUDGES)], draft, _how(how))


@command(
    assess,
    "dispute",
    help=say(
        "Objeta una evidencia para un mecanismo. Desde entonces su grado baja, y la institución tiene un plazo.",
        "Dispute a piece of evidence for a mechanism. Its grade falls from then on, and the institution has to answer.",
    ),
)
@argument("evidence", metavar=ENTRY)
@argument("mechanism", metavar=MECHANISM)
@option(
    "--objection",
    type=click.Choice(["absent", "not_relevant", "contradicts", "not_theirs", "before_plan", "altered"]),
    required=True,
    help=say("La objeción.", "The objection."),
)
@plan_option
@judging
def assess_dispute(
    evidence: str,
    mechanism: str,
    objection: str,
    plan: str | None,
    reasons: str,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Dispute evidence."""
    with _desk(url, key_file) as desk:
        identifier, commitment = desk.mechanism(mechanism, plan)
        draft = {"kind": "EvidenceDisputed", "plan": commitment.plan, "link": desk.named(evidence, "EvidenceLinked")}
        draft |= {"mechanism": identifier, "objection": objection, "words": words_in(reasons, salted=salted)}
        desk.state_by([desk.signer(*JUDGES)], draft, _how(how))


@command(
    assess,
    "screen",
    help=say("Admite o no la objeción de un ciudadano.", "Admit a citizen's dispute, or decline it."),
)
@argument("dispute", metavar=ENTRY)
@option(
    "--decision", type=click.Choice(["admitted", "declined"]), required=True, help=say("La decisión.", "The decision.")
)
@plan_option
@judging
def assess_screen(
    dispute: str,
    decision: str,
    plan: str | None,
    reasons: str,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Screen a dispute."""
    with _desk(url, key_file) as desk:
        draft = {
            "kind": "DisputeScreened",
            "plan": desk.plan(plan).plan,
            "dispute": desk.named(dispute, "EvidenceDisputed"),
        }
        draft |= {"screening": decision, "words": words_in(reasons, salted=salted)}
        desk.state_by([desk.signer(*JUDGES)], draft, _how(how))


@command(
    assess,
    "resolve",
    help=say(
        "Resuelve una objeción admitida: el IRM solo; o la coordinación y un evaluador juntos, con --with. Entonces "
        "esta orden deja la nota con su firma; la otra persona la firma con `constancia sign` y la envía con "
        "`constancia submit`.",
        "Resolve an admitted dispute: the IRM alone; or the coordinator and an assessor together, by --with. Then this "
        "command leaves the note with your signature; the other one signs it with `constancia sign` and sends it with "
        "`constancia submit`.",
    ),
)
@argument("dispute", metavar=ENTRY)
@option(
    "--decision",
    type=click.Choice(["upheld", "partly", "rejected"]),
    required=True,
    help=say("upheld: la evidencia no lo muestra.", "upheld: the evidence does not show it."),
)
@option("--with", "other", metavar=say("CUERPO", "BODY"), help=say("Quién más firma.", "Who else signs."))
@plan_option
@judging
def assess_resolve(
    dispute: str,
    decision: str,
    other: str | None,
    plan: str | None,
    reasons: str,
    salted: bool,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Resolve a dispute."""
    with _desk(url, key_file) as desk:
        draft = {
            "kind": "DisputeResolved",
            "plan": desk.plan(plan).plan,
            "dispute": desk.named(dispute, "EvidenceDisputed"),
        }
        draft |= {"resolution": decision, "words": words_in(reasons, salted=salted)}
        if other is None:
            desk.state_by([desk.signer("irm")], draft, _how(how))
            return
        role = desk.role_among("coordinator", "assessor")
        beside = desk.other_signer(other, "assessor" if role == "coordinator" else "coordinator")
        by = [desk.signer(role), beside] if role == "coordinator" else [beside, desk.signer(role)]
        desk.state_by(by, draft, _how(how))


@command(
    assess,
    "open",
    help=say(
        "Abre una evaluación de compromisos, por la metodología vigente. Las horas van con el reloj del registro.",
        "Open an assessment of commitments, by the methodology in force. Times are on the ledger's clock.",
    ),
)
@argument("name", metavar=say("EVALUACIÓN", "ASSESSMENT"))
@option("--from", "start", required=True, metavar=say("HORA", "TIME"), help=say("Desde cuándo.", "From when."))
@option("--until", required=True, metavar=say("HORA", "TIME"), help=say("Hasta cuándo.", "Until when."))
@option(
    "--commitment",
    "commitments",
    multiple=True,
    required=True,
    metavar=COMMITMENT,
    help=say("Un compromiso; se repite.", "A commitment; repeat."),
)
@plan_option
@acting
def assess_open(
    name: str,
    start: str,
    until: str,
    commitments: Sequence[str],
    plan: str | None,
    url: str | None,
    key_file: Path,
    **how: Any,
) -> None:
    """Open an assessment."""
    with _desk(url, key_file) as desk:
        state = desk.plan(plan)
        draft = {"kind": "AssessmentOpened", "plan": state.plan, "assessment": name}
        draft |= {"from": desk.when(start), "until": desk.when(until), "methodology": state.methodology}
        draft |= {"commitments": [desk.commitment(one, state.plan).commitment for one in commitments]}
        desk.state_by([desk.signer(*JUDGES, "coordinator")], draft, _how(how))


@command(
    assess,
    "close",
    help=say(
        "Cierra una evaluación sobre un estado del registro: el de los primeros N asientos.",
        "Close an assessment on a state of the record: that of the first N entries.",
    ),
)
@argument("name", metavar=say("EVALUACIÓN", "ASSESSMENT"))
@option(
    "--at",
    "size",
    type=click.IntRange(min=1),
    metavar="N",
    help=say("Cuántos asientos; por omisión, los de ahora.", "How many entries; by default, those of now."),
)
@plan_option
@acting
def assess_close(name: str, size: int | None, plan: str | None, url: str | None, key_file: Path, **how: Any) -> None:
    """Close an assessment."""
    with _desk(url, key_file) as desk:
        draft = {"kind": "AssessmentClosed", "plan": desk.plan(plan).plan, "assessment": name}
        draft |= {"tree_size": size or desk.size}
        desk.state_by([desk.signer(*JUDGES, "coordinator")], draft, _how(how))
