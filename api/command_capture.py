"""Commands of those who capture evidence: `capture`, `recheck`, `archive`. Only the first two reach out to the web.

They can be broken off and run again: what is registered, or was signed already, is not done a second time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from api.command import (
    ANY_PATH,
    FINE,
    FOUND,
    argument,
    as_json,
    ask_passphrase,
    command,
    constancia,
    key_option,
    option,
    say,
    spoken,
    to_option,
)
from api.screen import screen
from ledger.errors import CannotRun, Misbehaviour

_ARCHIVE = option(
    "--archive",
    "place",
    default="archive",
    show_default=True,
    metavar=say("LUGAR", "PLACE"),
    help=say(
        "Dónde se guardan los bytes: una carpeta, o s3://cubo/prefijo.",
        "Where the bytes are kept: a folder, or s3://bucket/prefix.",
    ),
)

_VISITING = (
    option(
        "--link",
        metavar=say("ENLACE", "LINK"),
        help=say(
            "Una evidencia: asiento, identidad o dirección.", "One piece of evidence: entry, identity or address."
        ),
    ),
    option(
        "--commitment",
        metavar=say("COMPROMISO", "COMMITMENT"),
        help=say("Las de un compromiso: gt-2014-2016/C8.", "Those of a commitment: gt-2014-2016/C8."),
    ),
    option(
        "--plan",
        metavar="PLAN",
        help=say("Las de un plan entero: gt-2014-2016.", "Those of a whole plan: gt-2014-2016."),
    ),
    key_option,
    to_option,
    option(
        "--role",
        default="",
        metavar=say("PAPEL", "ROLE"),
        help=say(
            "En qué papel; por omisión capturer, assessor, irm, coordinator o institution, el primero que tenga.",
            "In which role; by default capturer, assessor, irm, coordinator or institution, the first that you hold.",
        ),
    ),
    _ARCHIVE,
    option(
        "--journal",
        "journal_file",
        type=ANY_PATH,
        metavar=say("ARCHIVO", "FILE"),
        help=say(
            "Diario de lo firmado y enviado; por omisión journal.jsonl en la carpeta del archivo, o aquí.",
            "Journal of what was signed and sent; by default journal.jsonl in the archive's folder, or here.",
        ),
    ),
    option(
        "--policy",
        type=ANY_PATH,
        metavar=say("ARCHIVO", "FILE"),
        help=say("Comprueba las constancias con esta política fijada.", "Check the receipts by this pinned policy."),
    ),
    option(
        "--contact",
        default="",
        help=say(
            "Cómo se presenta ante los sitios: una dirección donde quejarse. Por omisión, la del registro.",
            "How it introduces itself to sites: where to complain. By default the ledger's address.",
        ),
    ),
    option(
        "--timeout",
        type=click.FloatRange(1, 3_600),
        default=90.0,
        show_default=True,
        help=say("Segundos por documento, en total.", "Seconds for a document, in all."),
    ),
    option(
        "--max-size",
        type=click.IntRange(1, 1_024),
        default=64,
        show_default=True,
        help=say("MiB por documento.", "MiB for a document."),
    ),
    option(
        "--hosts",
        type=click.IntRange(1, 64),
        default=6,
        show_default=True,
        help=say("Sitios a la vez; a cada uno, una conexión.", "Sites at one time; one connection to each."),
    ),
    option(
        "--pause",
        type=click.FloatRange(0, 600),
        default=1.0,
        show_default=True,
        help=say("Segundos entre dos visitas al mismo sitio.", "Seconds between two visits to the same site."),
    ),
    option(
        "--allow",
        multiple=True,
        metavar=say("RED", "NETWORK"),
        help=say(
            "Una red que no es pública y aun así se visita, como 10.2.0.0/16: la intranet propia. Se puede repetir. Un "
            "puerto suyo que no sea 80 ni 443 se da con --allow-port.",
            "A network that is not public and is visited all the same, such as 10.2.0.0/16: your intranet. Repeatable. "
            "A port of it other than 80 and 443 is given by --allow-port.",
        ),
    ),
    option(
        "--allow-port",
        type=click.IntRange(1, 65_535),
        multiple=True,
        help=say("Un puerto además de 80 y 443. Se puede repetir.", "A port besides 80 and 443. Repeatable."),
    ),
    option(
        "--dry-run",
        is_flag=True,
        help=say(
            "Visita y dice lo que vio; no guarda, firma ni envía nada.",
            "Visit and say what was seen; keep, sign and send nothing.",
        ),
    ),
    as_json,
)


def visiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that visits links."""
    for each in reversed(_VISITING):
        function = each(function)
    return spoken(function)


class _Visit:
    """What a command line says of the links to be visited, of how, and of where things are kept."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._given = options
        self.file: Path | None = options.get("file")

    def run(
        self, work: Callable[[Any, Any, Any], list[Any]], every: float | None, *, anyway: bool = False
    ) -> list[Any]:
        """Do `work` with the run, the office and the manner; what became of each link."""
        from api.archives import open_archive
        from api.capture import Manner, Office, Pace, Run
        from api.capture_journal import open_journal

        given = self._given
        archive = open_archive(given["place"])
        beside = Path() if "://" in given["place"] else Path(given["place"])
        with (
            Office(given["url"], given["key_file"], ask_passphrase, given["role"]) as office,
            open_journal(given["journal_file"] or beside / "journal.jsonl") as journal,
        ):
            run = Run(office, archive, journal, office.policy(given["policy"]), dry=given["dry_run"])
            run.resume()
            pace = Pace(hosts=given["hosts"], pause=given["pause"])
            every_ms = None if every is None else round(every * 3_600_000)
            manner = Manner(rules=self._rules(office), pace=pace, every_ms=every_ms, anyway=anyway)
            return work(run, office, manner)

    def _rules(self, office: Any) -> Any:
        from importlib.metadata import version

        from api.clients import parse_networks
        from api.fetching import MIB, Rules

        given = self._given
        try:
            allow = parse_networks(given["allow"])
        except ValueError as error:
            raise CannotRun(
                f"Lo que dio con --allow no es una red: {error}.",
                f"What was given by --allow is no network: {error}.",
                "Escriba una red, como 10.2.0.0/16, sin puerto: los puertos además de 80 y 443 se dan con "
                "--allow-port.",
                "Write a network, such as 10.2.0.0/16, without a port: those besides 80 and 443 are given by "
                "--allow-port.",
            ) from None
        contact = re.sub(r"[^ -~]|[()]", "?", given["contact"] or office.url)
        total = given["timeout"]
        return Rules(
            total=total,
            connect=min(10.0, total),
            first_byte=min(30.0, total),
            silence=min(15.0, total),
            grace=min(15.0, total / 4),
            body=given["max_size"] * MIB,
            ports=(80, 443, *given["allow_port"]),
            allow=allow,
            agent=f"constancia/{version('constancia')} (+{contact}; {office.actor})",
        )

    def links(self, office: Any) -> list[Any]:
        """The links that were named. Raises CannotRun."""
        given = self._given
        named = [name for name in ("link", "commitment", "plan") if given[name]]
        if len(named) != 1:
            raise CannotRun(
                "Falta decir qué evidencia, o se dijo dos veces.",
                "Which evidence is not said, or said twice.",
                "Dé --link, --commitment o --plan, uno de los tres.",
                "Give --link, --commitment or --plan, one of the three.",
            )
        if named == ["link"]:
            return [office.link(given["link"])]
        return office.links(given[named[0]].rstrip("/"))


@command(
    constancia,
    help=say(
        "Captura evidencia: baja lo enlazado, lo guarda con su resumen en un archivo web (WACZ) y firma lo que vio.\n\n"
        "Lo que su cuerpo ya capturó no se baja otra vez. Se puede interrumpir y repetir: sigue donde quedó y nada se "
        "firma dos veces. Termina con 1 si algo no se pudo capturar.\n\n"
        "Un archivo que se enlazó por su resumen, o la copia que alguien guardó de una página, se entrega con --file.",
        "Capture evidence: fetch what is linked, keep it under its digest with a web archive (WACZ), and sign what was "
        "seen.\n\nWhat your body has captured is not fetched again. It may be broken off and run again: it goes on, "
        "and nothing is signed twice. It ends with 1 where something could not be captured.\n\n"
        "A file that was linked by its digest, or the copy that somebody kept of a page, is handed in by --file.",
    ),
)
@visiting
@option(
    "--file",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Captura este archivo (método `upload`); sin --link se busca el enlace que lleva su resumen.",
        "Capture this file (method `upload`); without --link the link of its digest is looked for.",
    ),
)
@option(
    "--archive-url",
    metavar="URL",
    help=say(
        "Captura la copia que otro archivo tiene en esta dirección (método `archive`); con --link.",
        "Capture the copy that another archive has at this address (method `archive`); with --link.",
    ),
)
@option(
    "--again",
    type=click.FloatRange(0),
    metavar=say("HORAS", "HOURS"),
    help=say(
        "También lo que su cuerpo capturó hace más de tantas horas.",
        "Also what your body captured more than so many hours ago.",
    ),
)
@option(
    "--anyway",
    is_flag=True,
    help=say(
        "También lo que no parece un documento: páginas de error, de inicio, en venta.",
        "Also what does not look like a document: error pages, home pages, domains for sale.",
    ),
)
def capture(again: float | None, anyway: bool, archive_url: str | None, **options: Any) -> int:
    """Capture."""
    from api.capture import MAX_UPLOAD, capture_copy, capture_file, capture_links
    from api.making import read_file

    file: Path | None = options.pop("file")
    visit = _Visit(options)
    if archive_url and not options["link"]:
        raise CannotRun(
            "--archive-url necesita --link.",
            "--archive-url needs --link.",
            "Diga de qué evidencia es la copia.",
            "Say of which evidence it is a copy.",
        )

    def work(run: Any, office: Any, manner: Any) -> list[Any]:
        if file is not None:
            body = read_file(file, MAX_UPLOAD)
            return capture_file(run, _link_of_file(office, options, body), body)
        if archive_url:
            return capture_copy(run, office.link(options["link"]), archive_url, manner)
        return capture_links(run, visit.links(office), manner)

    done = visit.run(work, again, anyway=anyway)
    return _show(done, fine=("captured",))


def _link_of_file(office: Any, options: dict[str, Any], body: bytes) -> Any:
    """The link that a file is handed in for."""
    from hashlib import sha256

    if options["link"]:
        return office.link(options["link"])
    below = options["commitment"] or options["plan"]
    if not below:
        raise CannotRun(
            "Falta decir de qué evidencia es el archivo.",
            "Of which evidence the file is is not said.",
            "Dé --link, o --plan para buscarla por el resumen del archivo.",
            "Give --link, or --plan to look for it by the file's digest.",
        )
    return office.link_of_upload(below, sha256(body).hexdigest())


@command(
    constancia,
    help=say(
        "Vuelve a mirar la evidencia enlazada y firma lo que ve: alive (los mismos bytes que se capturaron), changed, "
        "gone, blocked o unsure.\n\nEl resumen es el de los bytes tal cual: una página que imprime la hora cambia cada "
        "vez. Lo que su cuerpo miró hace poco no se mira otra vez; se puede interrumpir y repetir. Termina con 1 si "
        "algo no sigue como se capturó.",
        "Look at linked evidence again and sign what is seen: alive (the bytes that were captured), changed, gone, "
        "blocked or unsure.\n\nThe digest is that of the bytes as they are: a page that prints the time changes each "
        "time. What your body has looked at lately is not looked at again; it may be broken off and run again. It ends "
        "with 1 where something is not as it was captured.",
    ),
)
@visiting
@option(
    "--every",
    type=click.FloatRange(0),
    default=20.0,
    show_default=True,
    metavar=say("HORAS", "HOURS"),
    help=say(
        "Solo lo que su cuerpo no ha mirado en tantas horas.",
        "Only what your body has not looked at for so many hours.",
    ),
)
def recheck(every: float, **options: Any) -> int:
    """Recheck."""
    from api.capture import recheck_links

    visit = _Visit(options)
    done = visit.run(lambda run, office, manner: recheck_links(run, visit.links(office), manner), every)
    return _show(done, fine=("alive",))


def _show(done: Sequence[Any], fine: tuple[str, ...]) -> int:
    """What became of each link; 1 where one is not as it should be."""
    from collections import Counter

    from api.judging import reason_of

    counts = Counter(one.seen for one in done)
    odd = [one for one in done if one.seen not in fine or one.refused]
    if screen.as_json:
        screen.json({"counts": counts, "links": done})
        return FOUND if odd else FINE
    screen.line(
        seen_counts(counts) or say("Nada que hacer: todo está hecho.", "Nothing to do: all is done."), style="bold"
    )
    rows = [
        (str(one.link), _seen(one.seen), say(*reason_of(one.rule)), one.refused or one.detail, one.url) for one in odd
    ]
    if rows:
        columns = (
            say(">asiento", ">entry"),
            say("visto", "seen"),
            say("por qué", "why"),
            "",
            say("dirección", "address"),
        )
        screen.table(columns, rows)
    if any(one.rule in _NOT_VISITED for one in odd):
        screen.note(
            "Si el sitio es de su propia intranet, permítalo: --allow RED, como 10.2.0.0/16, y --allow-port PUERTO "
            "para un puerto que no sea 80 ni 443. Si no lo es, déjelo así.",
            "Where the site is of your own intranet, allow it: --allow NETWORK, such as 10.2.0.0/16, and --allow-port "
            "PORT for a port other than 80 and 443. Where it is not, leave it so.",
        )
    for one in done:
        if one.differs and not one.refused:
            screen.note(
                f"{one.url}: dice ser {one.declared} y es {one.media_type}.",
                f"{one.url}: it says {one.declared} and is {one.media_type}.",
                style="yellow",
            )
    return FOUND if odd else FINE


def seen_counts(counts: Mapping[str, int]) -> str:
    """How many links were seen how: `1 cambió, 4 siguen igual`."""
    return ", ".join(f"{count} {_seen(seen, count)}" for seen, count in sorted(counts.items()))


def _seen(seen: str, count: int = 1) -> str:
    one, many, english = _SEEN[seen]
    return say(one if count == 1 else many, english)


# What was seen, in Spanish of one piece of evidence and of several, and in English.
_SEEN = {
    "captured": ("capturada", "capturadas", "captured"),
    "alive": ("sigue igual", "siguen igual", "alive"),
    "changed": ("cambió", "cambiaron", "changed"),
    "gone": ("ya no está", "ya no están", "gone"),
    "blocked": ("no deja pasar", "no dejan pasar", "blocked"),
    "unsure": ("dudosa", "dudosas", "unsure"),
    "put-off": ("para otra vez", "para otra vez", "put off"),
}
# The rules by which an address is not visited that `--allow` and `--allow-port` change.
_NOT_VISITED = frozenset({"address", "port"})


# --- the archive -----------------------------------------------------------------------------------------------------


@command(
    constancia,
    "archive",
    help=say(
        "Comprueba un archivo de evidencia, bit por bit, y lo pone como dice el registro: lo retenido, sellado aparte; "
        "lo borrado, destruido; lo restaurado, a la vista. Termina con 1 si algo guardado no es lo que era.",
        "Check an evidence archive, bit by bit, and put it as the ledger says: what is withheld, sealed away; what is "
        "erased, destroyed; what is restored, in view. It ends with 1 where something kept is not what it was.",
    ),
)
@argument("place", metavar=say("LUGAR", "PLACE"))
@to_option
@as_json
@spoken
def archive(place: str, url: str) -> int:
    """Archive."""
    from api.archives import open_archive
    from api.capture import hidden_digests

    kept = open_archive(place)
    moved: list[str] = []
    altered: list[str] = []
    digests = kept.digests()
    hidden = hidden_digests(url, digests)
    with screen.progress("Comprobando", "Checking", len(digests)) as progress:
        for digest in digests:
            try:
                kept.check(digest)
            except Misbehaviour as fault:
                altered.append(fault.detail)
            if kept.settle(digest, hidden.get(digest, "shown")):
                moved.append(digest)
            progress.step()
    if screen.as_json:
        screen.json({"digests": len(digests), "moved": moved, "altered": altered})
    screen.line(archive_counts(len(digests), len(moved), len(altered)), style="bold")
    for one in altered:
        screen.fail(one)
    return FOUND if altered else FINE


def archive_counts(documents: int, moved: int, altered: int) -> str:
    """What an archive holds, how much of it was put elsewhere, how much is not what it was."""

    def of(count: int, one: str, many: str) -> str:
        return f"{count} {one if count == 1 else many}"

    return say(
        f"{of(documents, 'documento', 'documentos')}; {of(moved, 'cambió de lugar', 'cambiaron de lugar')}; "
        f"{of(altered, 'no es lo que era', 'no son lo que eran')}.",
        f"{of(documents, 'document', 'documents')}; {moved} put elsewhere; "
        f"{of(altered, 'is not what it was', 'are not what they were')}.",
    )
