"""What a check of a link says: alive, changed, gone, blocked or unsure, by written rules. Pure.

The first row that fits counts:

| rule            | when                                                                             | seen    |
|-----------------|----------------------------------------------------------------------------------|---------|
| same-bytes      | 200, and a digest that was captured before                                       | alive   |
| challenge       | 200 or 503, and the page asks who is there (captcha), by header or title         | blocked |
| soft-404        | 200, and the title of the page says that there is none                           | unsure  |
| parked          | 200, and the title says that the domain is for sale, or the server just set up   | unsure  |
| home-page       | 200, but a deep link was redirected to a home page                               | unsure  |
| empty           | 200 without a byte                                                               | unsure  |
| first-seen      | 200, and nothing was captured before                                             | alive   |
| other-bytes     | 200, and another digest than any that was captured                               | changed |
| not-there       | 404, 410                                                                         | gone    |
| turned-away     | 401, 402, 403, 407, 429, 451                                                     | blocked |
| server-fault    | 5xx                                                                              | unsure  |
| odd-status      | any other status                                                                 | unsure  |
| no-name         | the name does not exist (NXDOMAIN)                                               | gone    |
| …               | nothing that counts came back: the code of api.fetching                          | unsure  |

`gone` counts for a grade only once it was seen twice, days apart or by two organisations, so a mistake of one resolver
costs nothing. When of many hosts none answers at all, the fault is more likely ours, and nothing is stated
(`api.capture`).

The digest is that of the raw bytes, and of nothing else. A page that prints the date, a counter or a token of its own
has another digest each time, and will be `changed` at each check though a reader sees no difference. We do not guess
which differences matter, because whoever guesses can be played; the old bytes stay captured, an assessor's verdict may
cite them, and for a mechanism that is done once a change costs nothing but a new capture.
"""

import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from api.fetching import WHY, Fetched, Unfetched
from api.sniffing import sniff, title_of

Seen = Literal["alive", "changed", "gone", "blocked", "unsure"]
Outcome = Fetched | Unfetched


class Judgement(msgspec.Struct, frozen=True):
    """What a check says, and the rule of the table by which it does; `digest` where a document came."""

    seen: Seen
    rule: str
    digest: str = ""

    @property
    def is_document(self) -> bool:
        """Whether what came may be captured as it is."""
        return self.seen in ("alive", "changed")


RULES: Mapping[str, tuple[str, str]] = {
    "same-bytes": ("los mismos bytes", "the same bytes"),
    "challenge": ("pide comprobar que usted es una persona", "it asks whether you are human"),
    "soft-404": ("la página dice que no existe", "the page says that it does not exist"),
    "parked": ("el dominio no tiene contenido", "the domain has no content"),
    "home-page": ("lleva a la página de inicio", "it leads to the home page"),
    "empty": ("no trae ni un byte", "it brings not one byte"),
    "first-seen": ("se ve por primera vez", "it is seen for the first time"),
    "other-bytes": ("otros bytes que los capturados", "other bytes than those captured"),
    "not-there": ("ya no está", "it is no longer there"),
    "turned-away": ("no deja pasar", "it lets nobody in"),
    "server-fault": ("el servidor falla", "the server fails"),
    "odd-status": ("una respuesta que no dice nada", "an answer that says nothing"),
    "asked-to-wait": ("el sitio pidió esperar", "the site asked to wait"),
    "direct": ("capturada", "captured"),
    "archive": ("capturada de un archivo", "captured from an archive"),
    "upload": ("capturada de un archivo entregado", "captured from a file handed in"),
}

# Titles of pages that stand in the place of a document.
_CHALLENGE = re.compile(
    r"just a moment|attention required|captcha|are you (?:a )?(?:human|robot)"
    r"|(?:verify|confirm) (?:that )?you are human|checking your browser|security check|access denied|acceso denegado"
    r"|no soy un robot|comprobando (?:su|tu) navegador|verifi(?:que|ca) que (?:usted )?(?:es|eres) human",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"\b404\b|(?:page|file|document|resource) (?:was )?not found|^not found\b"
    r"|(?:page|document) (?:does not exist|is not available|unavailable)"
    r"|(?:p[áa]gina|documento|archivo|recurso) (?:que busca )?(?:no (?:fue |se )?)(?:existe|encontr|disponible)"
    r"|no se encontr[óo] (?:la p[áa]gina|el documento|el archivo)|^no encontrad[oa]\b",
    re.IGNORECASE,
)
_PARKED = re.compile(
    r"domain (?:name )?(?:is )?(?:for sale|parked|expired|has expired)|buy this domain"
    r"|dominio (?:est[áa] )?(?:en venta|caducado|expirado)|(?:account|cuenta) (?:has been )?suspend"
    r"|default (?:web )?page|welcome to nginx|^iis windows|it works!?$",
    re.IGNORECASE,
)
_HOMES = frozenset({"", "/", "/index.html", "/index.htm", "/index.php", "/default.aspx"})
# A longer page is one, whatever its title says.
_MAX_NOTICE = 256 * 1024


def judge(outcome: Outcome, url: str, known: Collection[str]) -> Judgement:
    """What a check of `url` says, given the digests that were captured through its link."""
    if isinstance(outcome, Unfetched):
        return Judgement("gone" if outcome.code == "no-name" else "unsure", outcome.code)
    status = outcome.last.status
    if status in (404, 410):
        return Judgement("gone", "not-there")
    if status in (401, 402, 403, 407, 429, 451):
        return Judgement("blocked", "turned-away")
    if status in (200, 503) and (outcome.last.header("cf-mitigated") or _titled(outcome, _CHALLENGE)):
        return _unless_known(outcome, known, Judgement("blocked", "challenge"))
    if status >= 500:
        return Judgement("unsure", "server-fault")
    if status != 200:
        return Judgement("unsure", "odd-status")
    return _unless_known(outcome, known, _judged_page(outcome, url, known))


def _unless_known(outcome: Fetched, known: Collection[str], otherwise: Judgement) -> Judgement:
    """Bytes that were captured are what they were, whatever their title."""
    digest = sha256(outcome.body).hexdigest()
    return Judgement("alive", "same-bytes", digest) if digest in known else otherwise


def _judged_page(outcome: Fetched, url: str, known: Collection[str]) -> Judgement:
    if not outcome.body:
        return Judgement("unsure", "empty")
    if _titled(outcome, _NOT_FOUND):
        return Judgement("unsure", "soft-404")
    if _titled(outcome, _PARKED):
        return Judgement("unsure", "parked")
    asked, came = urlsplit(url), urlsplit(outcome.last.url)
    if len(outcome.hops) > 1 and came.path.lower() in _HOMES and not came.query and asked.path.lower() not in _HOMES:
        return Judgement("unsure", "home-page")
    digest = sha256(outcome.body).hexdigest()
    return Judgement("changed", "other-bytes", digest) if known else Judgement("alive", "first-seen", digest)


def _titled(outcome: Fetched, words: re.Pattern[str]) -> bool:
    """Whether a small HTML page says so in its title."""
    return (
        len(outcome.body) <= _MAX_NOTICE
        and sniff(outcome.body) == "text/html"
        and words.search(title_of(outcome.body)) is not None
    )


def reason_of(rule: str) -> tuple[str, str]:
    """A rule's name in words, in Spanish and English."""
    return RULES.get(rule) or WHY[rule]
