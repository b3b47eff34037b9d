"""From a draft, as people write it, to a signed note and what goes with it. Nothing here sends anything.

A draft is the JSON of a statement without what signing fills in:

    {"kind": "CompletionReported", "subject": "gt-2014-2016/G1", "level": "limited",
     "reason": "…", "evidence": []}

* `by`, `said_at`, `lang`, and `plan` where an id inside begins with it, are filled in unless they are there. A draft
  that several sign writes its own `by`, so that each of them signs the same text.
* `{"$content": {"text": "…"}}` in place of a salted digest: the text gets a salt and goes into a submission beside the
  note, for the vault; only its salted digest is signed.
* A `CommentSubmitted` without a claim gets one, and its secret goes into a private file: with it its author can prove
  later that the comment is theirs.

`sign_draft` returns a `Signed`; `add_line` adds a signer's line to a note, or to a submission, that others have signed.
Time and randomness come from outside, so that tests see the same bytes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

import msgspec
from msgspec import UNSET
from nacl.signing import SigningKey

from api.keyfiles import public_hex
from consultation.text import (
    Content,
    SaltedContent,
    check_form,
    check_limits,
    claim,
    format_submission,
    forms_of,
    new_salt,
    parse_submission,
    salted_digest,
)
from ledger.errors import CannotRun, Refused
from ledger.statement import (
    canonical,
    countersign,
    decode_line,
    format_when,
    key_name,
    missing_signers,
    signed_text,
)
from ledger.tlog.note import Note, check_name, format_note, parse_note, sign_line
from ledger.vocabulary import KINDS, Statement

Json = dict[str, Any]

STATEMENT_TYPE = "application/vnd.constancia.statement"
SUBMISSION_TYPE = "application/vnd.constancia.submission+json"


class Signed(msgspec.Struct, frozen=True):
    """A note, the contents that go to the vault with it, and the secret of its claim, where one was made."""

    origin: str
    statement: Statement
    identity: str
    note: bytes
    contents: tuple[SaltedContent, ...] = ()
    secret: bytes | None = None

    @property
    def media_type(self) -> str:
        """What it is posted as."""
        return SUBMISSION_TYPE if self.contents else STATEMENT_TYPE

    @property
    def body(self) -> bytes:
        """What is posted: the bare note, or note and contents."""
        return format_submission(self.note, self.contents) if self.contents else self.note

    @property
    def missing(self) -> list[str]:
        """Public keys of those named in `by` who have not signed yet."""
        return missing_signers(self.note, self.origin)


# --- drafts ----------------------------------------------------------------------------------------------------------


def sign_draft(
    draft: Json,
    origin: str,
    keys: Sequence[SigningKey],
    *,
    by: Sequence[Mapping[str, str]],
    now_ms: int,
    lang: str = "es-GT",
    salt: Callable[[], bytes] = new_salt,
) -> Signed:
    """Fill in a draft and sign it with each of `keys`; `by` names the signers where the draft does not.

    `by` entries are `{actor?, key, role}`. Raises Refused (shape and bytes as the server would), CannotRun for a key
    that is not among the signers.
    """
    filled = _filled_in(draft, by, now_ms, lang)
    secret = None
    if filled["kind"] == "CommentSubmitted" and "claim" not in filled:
        secret = salt()
        filled["claim"] = claim(secret)
    contents: list[SaltedContent] = []
    first = _first_signer(filled["by"])
    line = canonical(_salted(filled, origin, first, contents, salt))
    statement = decode_line(line)
    expected = forms_of(statement)
    for each in contents:
        digest = salted_digest(bytes.fromhex(each.salt), origin, first, each.content)
        if digest in expected:
            check_form(each.content, expected[digest])
    note = _partly_signed(statement, origin, keys)
    return signed_of(note, origin, contents, secret)


def _filled_in(draft: Json, by: Sequence[Mapping[str, str]], now_ms: int, lang: str) -> Json:
    """A draft with all that signing fills in but contents and claims. Raises Refused for a kind that is none."""
    filled = dict(draft)
    filled.setdefault("by", [dict(signer) for signer in by])
    filled.setdefault("said_at", format_when(now_ms))
    filled.setdefault("lang", lang)
    kind = filled.get("kind")
    struct = KINDS.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise Refused("shape", "A1", f"`kind`: there is no kind {kind!r}; there are {', '.join(sorted(KINDS))}")
    if "plan" in struct.__struct_fields__ and filled.get("plan", "") == "" and (plan := _plan_inside(filled)):
        filled["plan"] = plan
    return filled


def unsigned_text(
    draft: Json,
    origin: str,
    *,
    by: Sequence[Mapping[str, str]],
    now_ms: int,
    lang: str = "es-GT",
    salt: Callable[[], bytes] = new_salt,
) -> bytes:
    """The text that `sign_draft` would sign, to be tried before anybody does (`api.rehearsal`); its salts are kept
    nowhere. Raises Refused."""
    filled = _filled_in(draft, by, now_ms, lang)
    line = canonical(_salted(filled, origin, _first_signer(filled["by"]), [], salt))
    return signed_text(origin, decode_line(line))


def parse_draft(raw: bytes) -> Json:
    """The draft of a file, such as one of those that `import-report --json` prints. Raises CannotRun."""
    try:
        found = json.loads(raw, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise CannotRun(
            f"El borrador no es JSON: {error}.",
            f"The draft is not JSON: {error}.",
            "Corrija la línea indicada; `constancia sign --help` muestra un borrador.",
            "Mend the line named; `constancia sign --help` shows a draft.",
        ) from None
    if not isinstance(found, dict):
        raise CannotRun("El borrador no es un objeto JSON.", "The draft is not a JSON object.")
    return cast("Json", found)


def _without_repetition(pairs: list[tuple[str, object]]) -> Json:
    """An object in which no name stands twice: of two levels nobody could say which one is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"“{next(name for name in names if names.count(name) > 1)}” ×2")
    return found


def _salted(
    value: object, origin: str, first_signer: str, contents: list[SaltedContent], salt: Callable[[], bytes]
) -> object:
    """The value with a salted digest for each `$content`, which is added to `contents`."""
    if isinstance(value, dict):
        members = cast("Json", value)
        if "$content" in members:
            content = _content(members["$content"])
            made = salt()
            contents.append(SaltedContent(salt=made.hex(), content=content))
            return salted_digest(made, origin, first_signer, content)
        return {name: _salted(member, origin, first_signer, contents, salt) for name, member in members.items()}
    if isinstance(value, list | tuple):
        return [_salted(member, origin, first_signer, contents, salt) for member in cast("Sequence[object]", value)]
    return value


def _first_signer(by: object) -> str:
    """The key of the first of `by`; where there is none, anything of its form: reading the line refuses it later."""
    signers = cast("list[object]", by) if isinstance(by, list) else []
    first = cast("Json", signers[0]).get("key") if signers and isinstance(signers[0], dict) else None
    return first if isinstance(first, str) and len(first) == 64 else "0" * 64


def _content(value: object) -> Content:
    try:
        content = msgspec.convert(value, Content)
    except msgspec.ValidationError as error:
        raise Refused("shape", "FORMAT.md, Contents", f"`$content`: {error}") from None
    check_limits(content)
    return content


def _plan_inside(draft: Json) -> str | None:
    """The plan that an id of the draft begins with (`gt-2014-2016/C8`)."""
    named = [draft.get(field) for field in ("commitment", "subject", "mechanism")]
    listed = draft.get("for")
    named += cast("list[object]", listed) if isinstance(listed, list) else []
    return next((one.partition("/")[0] for one in named if isinstance(one, str) and "/" in one), None)


def _partly_signed(statement: Statement, origin: str, keys: Sequence[SigningKey]) -> bytes:
    """The note with the lines of `keys`, in the order of `by`; others may add theirs."""
    check_name(origin)
    text = signed_text(origin, statement)
    own = {public_hex(key): key for key in keys}
    named = [signer.key for signer in statement.by]
    for public in own:
        if public not in named:
            raise _not_a_signer(public)
    lines = [sign_line(key_name(origin, public)[0], own[public], text) for public in named if public in own]
    return format_note(Note(text, tuple(lines)))


# --- notes that others have signed -----------------------------------------------------------------------------------


def read_signed(raw: bytes) -> Signed:
    """A signed note, or a submission, from a file; signatures are not looked at. Raises Refused."""
    contents: Sequence[SaltedContent] = ()
    note = raw
    if raw.startswith(b"{"):
        submission = parse_submission(raw)
        contents, note = submission.contents, submission.note.encode()
    return signed_of(note, origin_of(note), contents, None)


def add_line(signed: Signed, key: SigningKey) -> Signed:
    """The same with the line of `key`. Raises Refused, CannotRun when the note does not name this key."""
    if public_hex(key) not in [signer.key for signer in signed.statement.by]:
        raise _not_a_signer(public_hex(key))
    return signed_of(countersign(signed.note, signed.origin, key), signed.origin, signed.contents, signed.secret)


def is_signed(raw: bytes) -> bool:
    """Whether a file is a note or a submission, and not a draft."""
    if not raw.lstrip().startswith(b"{"):
        return True
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(cast("Json", found)) == {"contents", "note"}


def origin_of(note: bytes) -> str:
    """The ledger that a note is for: its first line. Raises Refused."""
    first, found, _ = note.partition(b"\n")
    try:
        origin = first.decode()
        check_name(origin)
    except ValueError:
        found = b""
        origin = ""
    if not found:
        raise Refused("not-json", "FORMAT.md, Statement", "a note begins with a line that names its ledger")
    return origin


def signed_of(note: bytes, origin: str, contents: Sequence[SaltedContent], secret: bytes | None) -> Signed:
    """What a note says, beside what goes with it. Raises Refused."""
    missing_signers(note, origin)  # takes it apart strictly
    text = parse_note(note, max_lines=16).text
    statement = decode_line(text.split(b"\n")[1])
    return Signed(origin, statement, sha256(text).hexdigest(), note, tuple(contents), secret)


def _not_a_signer(public: str) -> CannotRun:
    return CannotRun(
        f"La llave {public[:16]}… no está entre los firmantes que nombra la declaración (`by`).",
        f"The key {public[:16]}… is not among the signers that the statement names (`by`).",
        "Firme con la llave nombrada, o nombre esta en el borrador y empiece de nuevo.",
        "Sign with the key named, or name this one in the draft and begin again.",
    )


def signer_words(statement: Statement) -> list[str]:
    """Who signs, for people: `copret (coordinator)`, `3b6a27bcceb6a42d… (citizen)`."""
    return [
        f"{signer.key[:16] + '…' if signer.actor is UNSET else signer.actor} ({signer.role})" for signer in statement.by
    ]
