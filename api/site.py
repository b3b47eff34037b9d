"""What all pages share: the languages, the addresses, the templates, the headers and the stylesheet.

    Place            where a request stands (ledger, language, path, as-of); makes every link of a page
    page(…)          a template and its words -> a whole HTML answer, with the headers that keep it safe
    assets           stylesheet, icon and scripts, served under their digest, so that a browser may keep them for ever

Nothing here knows what a commitment is. Words stand in `projections/words`, what codes are called in `api/phrasing.py`.
"""

import hashlib
import os
import pickle
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import jinja2
import msgspec
from jinja2.bccache import Bucket
from litestar import Response
from markupsafe import Markup, escape
from msgspec import UNSET

from api.phrasing import Phrasing, http_address, iso, level_ordinal, name_parts, plain, shown, visible
from api.shapes import shapes_module
from projections.words.catalogue import DEFAULT_LANGUAGE, MARKS, NAMES, catalogue, drafts, languages, progress

HERE = Path(__file__).resolve().parent

# No script, no style and no image but our own; nobody frames us; no page tells another where its reader came from.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # What is withheld a minute from now must not be shown from a cache.
    "cache-control": "no-cache",
}

# The path segment of each language, drafts among them; the default has none.
SEGMENTS: Mapping[str, str] = {
    language: "" if language == DEFAULT_LANGUAGE else language.partition("-")[0] for language in languages() + drafts()
}


class Place(msgspec.Struct, frozen=True):
    """Where a request stands. Every link of a page is made here, so that language and as-of travel along.

    `base` is the scheme and host that the reader used, `segments` the path below ledger and language, `keep` the as-of
    (`at` or `as_of`) as it was asked for.
    """

    base: str
    ledger: str
    language: str
    segments: tuple[str, ...] = ()
    keep: tuple[tuple[str, str], ...] = ()

    def to(self, *segments: object, **query: object) -> str:
        """The path of a page of this ledger, in this language and as of the same moment."""
        return self._path(self.language, segments, (*self.keep, *((name, str(value)) for name, value in query.items())))

    def raw(self, *segments: object) -> str:
        """The path of a published file or answer: it has no language."""
        return "/" + "/".join(quote(str(part), safe="/") for part in (self.ledger, *segments) if part != "")

    def address(self, *segments: object) -> str:
        """The whole address of a page; of this one when none is named. It goes on paper."""
        return self.base + self.to(*(segments or self.segments))

    def in_language(self, language: str) -> str:
        """The path of this page in another language."""
        return self._path(language, self.segments, self.keep)

    def now(self) -> str:
        """The path of this page in the latest state."""
        return self._path(self.language, self.segments, ())

    def now_at(self, *segments: object, **query: object) -> str:
        """The path of a page of this ledger in this language, as of what the query alone says."""
        return self._path(self.language, segments, tuple([(name, str(value)) for name, value in query.items()]))

    def _path(self, language: str, segments: tuple[object, ...], query: tuple[tuple[str, str], ...]) -> str:
        parts = [part for part in (self.ledger, SEGMENTS[language], *segments) if part != ""]
        path = "/" + "/".join(quote(str(part), safe="") for part in parts)
        # The front page of a ledger ends in a slash, as its address is written.
        path += "/" if not segments and parts else ""
        return path + (f"?{urlencode(query)}" if query else "")


# --- templates ----------------------------------------------------------------------------------------------


def _given(value: object) -> bool:
    """A field that the statement has: its kind knows it, and it is not absent."""
    return value is not UNSET and not isinstance(value, jinja2.Undefined)


class Compiled(jinja2.BytecodeCache):
    """Templates compiled once: for all languages, since what differs is only what `_` answers, and for the next start.

    What is kept for the next start lies where Python keeps what it compiled of this module, is trusted as much, and is
    made anew when a template, or a function that templates call, is another. Where nothing can be kept, nothing is.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what another language, or an earlier start, has compiled."""
        raw = self._kept.get(bucket.key) or self._read(bucket.key)
        if not raw:
            return
        try:
            bucket.bytecode_from_string(raw)
        except (EOFError, ValueError, TypeError, pickle.UnpicklingError):  # it was cut off, or is something else
            bucket.reset()
        if bucket.code:
            self._kept[bucket.key] = raw

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it for the next language, and the next start."""
        self._kept[bucket.key] = raw = bucket.bytecode_to_string()
        if self._folder is None:
            return
        path = self._path(self._folder, bucket.key)
        new = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            new.write_bytes(_stamp() + raw)
            new.replace(path)

    def _read(self, key: str) -> bytes:
        """What an earlier start has kept; nothing where it kept none, or called other functions."""
        if self._folder is None:
            return b""
        with suppress(OSError):
            stamp, raw = (found := self._path(self._folder, key).read_bytes())[:32], found[32:]
            return raw if stamp == _stamp() else b""
        return b""

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / f"template-{key}.bin"


@cache
def _stamp() -> bytes:
    """The digest of the modules whose functions a compiled template may have called already (32 bytes)."""
    return hashlib.sha256(b"".join([(HERE / name).read_bytes() for name in ("site.py", "phrasing.py")])).digest()


_COMPILED = Compiled(None if sys.dont_write_bytecode else Path(cache_from_source(__file__)).parent)


@cache
def environment(language: str) -> jinja2.Environment:
    """The templates in one language. A name that a template uses and nobody gave is an error, never a blank."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    words: Any = made
    words.install_gettext_translations(catalogue(language), newstyle=True)
    made.tests["given"] = _given
    made.filters["plain"] = plain
    made.policies["ext.i18n.trimmed"] = True
    names: dict[str, Any] = {
        "asset": asset,
        "http_address": http_address,
        "iso": iso,
        "needed": needed,
        "ordinal": level_ordinal,
        "parts": name_parts,
        "plain": plain,
        "script": script,
        "shown": shown,
        "tree": tree,
        "visible": visible,
    }
    made.globals.update(names)
    return made


def warm() -> None:
    """Read and compile every template, so that no reader waits for it."""
    for language in SEGMENTS:
        made = environment(language)
        for name in made.list_templates(extensions=["html"]):
            made.get_template(name)


def brief(name: str) -> Markup:
    """A body by the short form that its name ends in, `Ministerio de Finanzas Públicas (MINFIN)` -> MINFIN."""
    found = re.search(r"\(([A-ZÁÉÍÓÚÜÑ]{2,12})\)\Z", name)
    return Markup('<abbr title="{}">{}</abbr>').format(plain(name), found[1]) if found else shown(name)


def page(
    template: str,
    place: Place,
    say: Phrasing,
    status: int = 200,
    sections: tuple[tuple[tuple[str, ...], str], ...] = (),
    **words: Any,
) -> Response[bytes]:
    """A whole page. `sections` are the path and the name of each entry of the menu."""
    own = place.segments[:1]
    words_of_language = catalogue(place.language)
    html = (
        environment(place.language)
        .get_template(template)
        .render(
            lang=place.language,
            written_in=DEFAULT_LANGUAGE if words_of_language.draft else place.language,
            draft_language=_draft(place.language),
            languages=[
                {
                    "code": language,
                    "name": NAMES.get(language, language),
                    "draft": language in drafts(),
                    "href": place.in_language(language),
                    "address": place.base + place.in_language(language),
                }
                for language in SEGMENTS
            ],
            here=place.base + (place.in_language(DEFAULT_LANGUAGE) if words_of_language.draft else place.now()),
            to=place.to,
            to_now=place.now(),
            raw=place.raw,
            address=place.address,
            keep=place.keep,
            say=say,
            sections=[{"href": place.to(*path), "name": name, "current": path[:1] == own} for path, name in sections],
            **words,
        )
    )
    if words_of_language.draft:
        html = spoken_in(html, place.language)
    return Response(html.encode(), status_code=status, media_type="text/html", headers=dict(HEADERS))


@cache
def _draft(language: str) -> dict[str, object] | None:
    """How far a draft is; None for a language in which everything is said."""
    if language not in drafts():
        return None
    done, total = progress(catalogue(language))
    return {"name": NAMES.get(language, language), "done": done, "total": total}


# Where no element may stand: inside a tag, and in these elements.
_NO_ELEMENT = re.compile(r"(<(title|option|script|textarea)\b.*?</\2>|<[^>]*>)", re.DOTALL)


def spoken_in(html: str, language: str) -> str:
    """A page of a draft with its marked phrases as `<span lang>`; in attributes and titles the marks go away."""
    begin, end = MARKS
    opened = f'<span lang="{language}">'
    pieces: list[str] = []
    at = 0
    for tag in _NO_ELEMENT.finditer(html):
        pieces.append(html[at : tag.start()].replace(begin, opened).replace(end, "</span>"))
        # Words for scripts are JSON, which writes such a character by its number.
        pieces.append(re.sub(rf"{begin}|{end}|\\ue00[01]", "", tag[0]))
        at = tag.end()
    return "".join([*pieces, html[at:].replace(begin, opened).replace(end, "</span>")])


def without_marks(text: str) -> str:
    """A text in a draft's words for what is no page (a feed, a file): the same, without the marks around phrases."""
    return text.translate(dict.fromkeys(map(ord, "".join(MARKS))))


def tree(value: Any) -> Markup:
    """Decoded JSON as nested lists of names and values, for reading; the bytes stand beside it."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        lines = Markup().join(
            Markup("<dt><code>{}</code></dt><dd>{}</dd>").format(name, tree(inner)) for name, inner in fields.items()
        )
        return Markup('<dl class="fields json">{}</dl>').format(lines)
    if isinstance(value, list):
        if not value:
            return Markup('<span class="quiet">[ ]</span>')
        return Markup('<ul class="plain json">{}</ul>').format(
            Markup().join(Markup("<li>{}</li>").format(tree(inner)) for inner in cast("list[Any]", value))
        )
    if isinstance(value, str):
        kind = "hash" if len(value) == 64 and not set(value) - set("0123456789abcdef") else "said"
        return Markup('<span class="{}">{}</span>').format(kind, shown(value))
    return Markup("{}").format(escape(str(value)))


# --- stylesheet and icon --------------------------------------------------------------------------------------

_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


@cache
def _assets() -> Mapping[str, tuple[bytes, str]]:
    """Every static file: its bytes and the digest that its address carries."""
    found: dict[str, tuple[bytes, str]] = {}
    for path in (HERE / "static").iterdir():
        if path.suffix in _TYPES:
            content = path.read_bytes()
            found[path.name] = (content, hashlib.sha256(content).hexdigest()[:16])
    return found


def asset(name: str) -> str:
    """The address of a static file; it changes when the file does. Raises KeyError where there is none."""
    return f"/static/{name}?v={_assets()[name][1]}"


def asset_answer(name: str) -> Response[bytes] | None:
    """A static file, to be kept for ever; None where there is none."""
    found = _assets().get(name)
    return None if found is None else _for_ever(found[0], _TYPES[Path(name).suffix])


def _for_ever(content: bytes, media_type: str) -> Response[bytes]:
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": POLICY,
    }
    return Response(content, media_type=media_type, headers=headers)


# --- scripts --------------------------------------------------------------------------------------------------

# Modules name each other by file (`./note.js`), so it is their folder that carries the digest, of all of them together.


@cache
def _scripts() -> tuple[str, Mapping[str, bytes]]:
    """The digest of all scripts, and each by its name; the shapes of kinds are made from the vocabulary."""
    folder = HERE / "static"
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.js")}
    found["kinds.js"] = shapes_module()
    every = b"".join(name.encode() + b"\0" + found[name] for name in sorted(found))
    return hashlib.sha256(every).hexdigest()[:16], found


def script(name: str) -> str:
    """The address of a script; it changes when any of them does. Raises KeyError where there is none."""
    digest, found = _scripts()
    assert found[name]
    return f"/static/{digest}/{name}"


_IMPORT = re.compile(rb'^import [^;]*?"\./([a-z0-9/_.-]+)";', re.MULTILINE)


@cache
def needed(name: str) -> tuple[str, ...]:
    """The addresses of the modules that a script imports, directly or not, so that a page asks for all of them at once.

    Without it a browser learns of each from the one before. Raises KeyError where there is no such script.
    """
    _, found = _scripts()
    waiting, known = [name], {name: ""}
    while waiting:
        for imported in _IMPORT.findall(found[waiting.pop()]):
            module = imported.decode()
            if module not in known:
                known[module] = script(module)
                waiting.append(module)
    return tuple(filter(None, known.values()))


def script_answer(digest: str, name: str) -> Response[bytes] | None:
    """A script, to be kept for ever; None where there is none, or the digest is that of other ones."""
    current, found = _scripts()
    return _for_ever(found[name], "text/javascript") if digest == current and name in found else None
