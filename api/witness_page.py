"""The page of a witness, for people: who it is, what it watches, and what speaks against a log.

One page without scripts or pictures, in the reader's language. Everything that came from elsewhere (names of logs,
addresses, notes) is escaped. The little style it has is named by its digest, so nothing else may be shown.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import Literal

from api.witness_state import Evidence, Head, State
from ledger.tlog.note import Verifier, format_vkey
from ledger.tlog.policy import Log
from ledger.tlog.witness import monitoring_path

_STYLE = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
pre,code{font-family:ui-monospace,monospace;font-size:.85rem;overflow-wrap:anywhere;white-space:pre-wrap}
pre{background:#f2f2f2;padding:.75rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .6rem .4rem 0;border-bottom:1px solid #767676;overflow-wrap:anywhere}
.alarm{border-left:.4rem solid #a40000;padding-left:1rem}
"""

CONTENT_SECURITY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_TO_ENGLISH = '<a href="?lang=en" hreflang=en lang=en>English</a>'
_TO_SPANISH = '<a href="?lang=es" hreflang=es lang=es>Español</a>'

Pick = Callable[[str, str], str]


def policy_line(witness: Verifier, url: str) -> str:
    """The line by which a policy names this witness (c2sp.org/tlog-policy); its name there is that of the key."""
    vkey = format_vkey(witness.name, witness.type_byte, witness.public_key)
    return " ".join(["witness", witness.name, vkey, *([url] if url else [])])


def witness_page(witness: Verifier, url: str, logs: Sequence[Log], state: State, lang: Literal["es", "en"]) -> str:
    """The whole page as HTML."""

    def pick(es: str, en: str) -> str:
        return es if lang == "es" else en

    title = pick(f"Testigo {witness.name}", f"Witness {witness.name}")
    parts = [
        f"<!doctype html>\n<html lang={lang}>\n<head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>",
        f"<h1>{escape(title)}</h1>",
        *_opening(pick),
        f"<h2>{pick('Su llave', 'Its key')}</h2>",
        f"<p>{pick('Para una política, esta línea:', 'For a policy, this line:')}</p>",
        f"<pre>{escape(policy_line(witness, url))}</pre>",
        f"<h2>{pick('Los registros que observa', 'The logs that it watches')}</h2>",
        *_table(pick, logs, state),
        f"<h2>{pick('Lo que no cofirmó', 'What it did not cosign')}</h2>",
        *_evidence(pick, state.evidence),
        f"<p>{pick(_TO_ENGLISH, _TO_SPANISH)}</p>",
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _opening(pick: Pick) -> Iterable[str]:
    yield pick(
        "<p>Un testigo mira si un registro público solo crece. Cuando un registro le muestra su estado y prueba que "
        "contiene todo lo anterior sin cambios, el testigo lo firma también, con la hora. No lee lo que el registro "
        "dice, ni afirma que sea verdad: da fe de que a todos se les muestra una misma historia.</p>",
        "<p>A witness looks whether a public log only grows. When a log shows its state, and proves that all that was "
        "there before is in it unchanged, the witness signs it too, with the time. It does not read what the log says, "
        "nor does it vouch that it is true: it attests that everybody is shown one history.</p>",
    )
    yield pick(
        "<p>Cómo hablar con él: <code>POST /add-checkpoint</code>, según c2sp.org/tlog-witness.</p>",
        "<p>How to talk to it: <code>POST /add-checkpoint</code>, by c2sp.org/tlog-witness.</p>",
    )


def _table(pick: Pick, logs: Sequence[Log], state: State) -> Iterable[str]:
    if not logs:
        yield f"<p>{pick('Ninguno todavía.', 'None yet.')}</p>"
        return
    columns = [pick("Registro", "Log"), pick("Asientos", "Entries"), pick("Cofirmado", "Cosigned")]
    yield "<table><thead><tr>" + "".join(f"<th scope=col>{each}</th>" for each in columns) + "</tr></thead><tbody>"
    for log in {log.verifier.name: log for log in logs}.values():
        yield f"<tr><th scope=row>{_named(log)}</th>{_latest(pick, state.heads.get(log.verifier.name))}</tr>"
    yield "</tbody></table>"


def _named(log: Log) -> str:
    name, url = escape(log.verifier.name), (log.url or b"").decode("utf-8", "replace")
    return f'<a href="{escape(url)}">{name}</a>' if url.startswith(("https://", "http://")) else name


def _latest(pick: Pick, head: Head | None) -> str:
    if head is None:
        return f"<td>—</td><td>{pick('todavía no', 'not yet')}</td>"
    shown = f'<a href="{monitoring_path(head.origin)}">{format_seconds(head.time)}</a>'
    return f"<td>{head.size}</td><td>{shown}</td>"


def _evidence(pick: Pick, found: Sequence[Evidence]) -> Iterable[str]:
    if not found:
        yield f"<p>{pick('Nada habla contra ningún registro.', 'Nothing speaks against any log.')}</p>"
    for each in found:
        yield f"<section class=alarm><h3>{each.number}. {escape(each.origin)}, {format_seconds(each.time)}</h3>"
        yield f"<p>{explain(pick, each)}</p>"
        for note in filter(None, (each.request, each.latest)):
            yield f"<pre>{escape(note.decode())}</pre>"
        yield "</section>"


def explain(pick: Pick, found: Evidence) -> str:
    """One sentence: what a piece of evidence shows, and what it does not."""
    if found.kind == "fork":
        return pick(
            f"El registro firmó dos estados distintos de {found.size} asientos. Los dos, juntos, prueban que muestra "
            "dos historias.",
            f"The log signed two different states of {found.size} entries. The two together prove that it shows two "
            "histories.",
        )
    return pick(
        f"Un estado de {found.size} asientos, firmado por el registro, llegó con una prueba que no lo une al anterior. "
        "Es una sospecha y no una prueba: cualquiera puede enviar una prueba equivocada.",
        f"A state of {found.size} entries, signed by the log, came with a proof that does not join it to the one "
        "before. That is a suspicion and no proof: anybody can send a wrong proof.",
    )


def format_seconds(seconds: int) -> str:
    """A moment for people, in UTC: `2026-02-16 12:00:00 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
