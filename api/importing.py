"""What `import-report` does, once its command line is read: a printed report to drafts, and drafts into a ledger."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from api.details import in_spanish
from api.keyfiles import read_key_file
from api.making import Ask, read_file, write_file
from api.posting import Post
from api.screen import screen
from api.signing import Json
from ledger.errors import CannotRun, Refused, reason
from ledger.statement import format_when

if TYPE_CHECKING:
    from api.importer import Draft

MS_PER_DAY = 86_400_000


def import_file(path: Path, lang: str, plan: str | None, *, brief: bool) -> tuple[list["Draft"], Json]:
    """Read a report, print what was found in it (`brief`: a few lines), and return drafts and report.

    Raises CannotRun.
    """
    from api.import_report import show_report, show_summary
    from api.importer import draft_statements, encode_drafts
    from api.report_reader import read_report
    from api.report_text import CannotRead

    raw = read_file(path, 64 * 1024 * 1024)
    try:
        printed = read_report(raw)
    except CannotRead as error:
        raise CannotRun(
            f"{path} no es un informe que se pueda leer: {error.reason_es}.",
            f"{path} is not a report that can be read: {error.reason}.",
            f"Se esperaba: {error.expected_es}.",
            f"Expected: {error.expected}.",
        ) from None
    drafts, report = draft_statements(printed, plan=plan, lang=lang)
    if screen.as_json:
        screen.json({"statements": encode_drafts(drafts), "report": report})
    elif not screen.quiet:
        if not brief:
            for line in show_report(report, screen.lang).splitlines():
                screen.line(line)
            screen.line()
        for line in show_summary(report, screen.lang).splitlines():
            screen.line(line, style="bold")
        if not brief:
            screen.note(
                f"Los borradores, para programas: --json. Para registrarlos: constancia import-report {path} --submit "
                "--to URL --key LLAVE",
                f"The drafts, for programs: --json. To register them: constancia import-report {path} --submit "
                "--to URL --key KEY",
            )
    return drafts, report


# How long the importer may speak, unless the registrars say otherwise.
GRANT_DAYS = 60


def prepare_roster(drafts: Sequence["Draft"], report: Json, folder: Path, importer: str) -> None:
    """Write drafts of what two registrars state before a report can be registered: its bodies, the importer, its role.

    Raises CannotRun for a folder that holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotRun(
            f"{folder} ya existe y no está vacía.",
            f"{folder} exists already and is not empty.",
            "Elija otra carpeta.",
            "Choose another folder.",
        )
    until = format_when(time.time_ns() // 1_000_000 + GRANT_DAYS * MS_PER_DAY)
    plans = sorted({draft.statement["plan"] for draft in drafts})
    bodies = report["actors"]["needed"]
    written: list[tuple[str, Json]] = [
        (one["actor"], {"kind": "ActorRegistered", "actor": one["actor"], "form": one["form"], "name": one["name"]})
        for one in bodies
    ]
    program = screen.pick("Importador de lo impreso", "Importer of what was printed")
    written += [
        (importer, {"kind": "ActorRegistered", "actor": importer, "form": "program", "of": "", "name": program}),
        (
            f"{importer}-role",
            {
                "kind": "RoleGranted",
                "actor": importer,
                "role": "importer",
                "scope": {"plans": plans},
                "until": until,
                "sources": [report["source"]["digest"]],
            },
        ),
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"No se pudo crear {folder}: {reason(error)[0]}.", f"{folder} could not be made: {reason(error)[1]}."
        ) from None
    for number, (name, draft) in enumerate(written, 1):
        write_file(folder / f"{number:02}-{name}.json", _for_people(draft))
    screen.say(
        f"{len(written)} borradores para dos registradores en {folder}.",
        f"{len(written)} drafts for two registrars in {folder}.",
        style="bold",
    )
    own = f"{len(bodies) + 1:02}-{importer}.json"
    screen.note(
        f"1. Ponga en {own} de quién es el programa (`of`), y quite los que ya estén en el registro.",
        f"1. Put into {own} whose program it is (`of`), and take away those that are on the record already.",
    )
    screen.note(
        "2. Cada uno: constancia sign ARCHIVO --key LLAVE --origin ORIGEN --actor YO --role registrar "
        "--also OTRO:registrar:SU_LLAVE; el otro: constancia sign NOTA --key SU_LLAVE; después constancia submit.",
        "2. Each: constancia sign FILE --key KEY --origin ORIGIN --actor ME --role registrar "
        "--also OTHER:registrar:THEIR_KEY; the other: constancia sign NOTE --key THEIR_KEY; then constancia submit.",
    )
    screen.note(
        "3. Antes del papel, inscriban la llave del importador: constancia kinds KeyEnrolled.",
        "3. Before the role, enrol the importer's key: constancia kinds KeyEnrolled.",
    )


def _for_people(draft: Json) -> bytes:
    """A draft for people to read and change."""
    return msgspec.json.format(msgspec.json.encode(draft), indent=1) + b"\n"


def register_report(
    drafts: Sequence["Draft"], report: Json, url: str, key_file: Path, ask: Ask, actor: str, origin: str | None
) -> int:
    """Sign and register drafts; returns the exit code. Raises CannotRun."""
    from api.registering import printed_items, register
    from api.sources import reading
    from ledger.verify import open_head, own_policy, verified_entries

    key = read_key_file(key_file, ask)
    with reading(url) as (source, _):
        head = open_head(source, own_policy(source), quorum=False)
        if origin and origin != head.origin:
            raise Refused("wrong-origin", "A1", f"the ledger there is {head.origin!r}, not {origin!r}")
        there = printed_items(verified_entries(source, head))
    became: Counter[str] = Counter()
    refusals: list[tuple[str, Refused]] = []
    with (
        Post(url) as post,
        screen.progress("Registrando", "Registering", len(drafts)) as progress,
    ):
        for outcome in register(drafts, post, there, head.origin, key, actor):
            became[outcome.became] += 1
            if outcome.became == "refused" and outcome.refused:
                refusals.append((outcome.name, outcome.refused))
            progress.step()
    undone = len(drafts) - became["registered"] - became["already"]
    screen.say(
        f"{became['registered']} registradas ahora, {became['already']} ya lo estaban, {undone} sin registrar.",
        f"{became['registered']} registered now, {became['already']} were already, {undone} not registered.",
        style="bold",
    )
    for name, refused in refusals[:20]:
        rule, detail = screen.pick("regla", "rule"), screen.pick(in_spanish(refused.detail), refused.detail)
        screen.fail(f"{name}: {refused.code}, {rule} {refused.rule}: {detail}")
    if len(refusals) > 20:
        screen.note(f"… y {len(refusals) - 20} más.", f"… and {len(refusals) - 20} more.")
    if undone:
        needed = ", ".join(f"{one['actor']} ({one['form']})" for one in report["actors"]["needed"])
        screen.note(
            f"El importador necesita una llave inscrita y el papel `importer` para esta fuente, y que estén "
            f"registrados: {needed}. Corríjalo y repita la orden: nada se registra dos veces.",
            f"The importer needs an enrolled key and the role `importer` for this source, and these must be "
            f"registered: {needed}. Mend it and run the command again: nothing is registered twice.",
        )
    return 1 if undone else 0
