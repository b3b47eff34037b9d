"""Receipts as people keep them, and the page that verifies one without trusting this server.

    /constancias/{identity}   a receipt as a document: what, when, who, where it stands, who cosigned; a QR code
    /verificar                a field for a receipt. The browser checks it (static/verify-page.js and the modules beside
                              it); without JavaScript the same form is posted here, and the page says that then the
                              server judged. `?constancia=IDENTITY` fills the field in.

What a receipt page says of its checkpoint is read from the receipt itself. What the browser says it finds among
`WORDS`, in the reader's language: no sentence stands in a script. The private file of a comment has no name in the
form, so no browser sends it.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any

import msgspec
import segno
from litestar import Response
from markupsafe import Markup
from msgspec import UNSET
from multipart import MultipartError, MultipartParser

from api.names import KIND_NAMES, NAMES, msg
from api.phrasing import iso, shown
from api.problems import Problem
from api.reading import Reading, answer, line_of
from api.record import Hidden
from ledger.errors import Misbehaviour
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.errors import FormatError
from ledger.tlog.policy import NONE, Policy, parse_policy
from ledger.tlog.proof import parse_proof
from ledger.verify import Receipt, oddity_of, verify_receipt
from ledger.vocabulary import Signer
from projections.words.catalogue import catalogue, languages

MAX_UPLOAD = 2_000_000

# Far more than any reader trusts; a parser compares each key of a policy with every other.
MAX_POLICY = 65_536

# An identity has 64 digits; more of what an address asks for is not repeated.
MAX_ASKED = 100

# The end of the year 9998, whatever the zone: pages have no words for later times.
LAST_SECOND = 253_370_764_800

_IDENTITY = re.compile("[0-9a-f]{64}")

# --- the receipt as a document ---------------------------------------------------------------------------------------


class Standing(msgspec.Struct, frozen=True):
    """The checkpoint that a receipt stands on, as the receipt and the ledger's published policy tell it.

    `state` is `unwitnessed` (the policy asks for no witness), `provisional` or `cosigned`; `cosigners` are names and
    times in milliseconds, None for one beyond every calendar.
    """

    size: int
    root: str
    state: str
    cosigners: tuple[tuple[str, int | None], ...]


def standing_of(receipt: bytes, policy: bytes | None) -> Standing:
    """What a receipt of this ledger stands on. Raises FormatError for what is none."""
    raw = parse_proof(receipt).checkpoint
    checkpoint = parse_checkpoint(raw).checkpoint
    trusted = parse_policy(policy) if policy else Policy((), (), (), NONE)
    checked = trusted.check(raw) if policy else None
    cosignatures = checked.cosignatures if checked else ()
    state = "cosigned" if checked and checked.quorum_reached and cosignatures else "provisional"
    return Standing(
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        state="unwitnessed" if trusted.quorum == NONE and not cosignatures else state,
        cosigners=tuple([(each.witness.verifier.name, _milliseconds(each.time)) for each in cosignatures]),
    )


def _milliseconds(seconds: int) -> int | None:
    return seconds * 1000 if seconds < LAST_SECOND else None


def short_code(identity: str) -> str:
    """The first 12 digits of an identity in three groups: what people read to each other."""
    return " ".join((identity[:4], identity[4:8], identity[8:12]))


@lru_cache(maxsize=1024)
def qr_code(address: str) -> Markup:
    """An address as a QR code: inline SVG without style, black on white in every colour scheme."""
    code = segno.make(address, error="m", micro=False, boost_error=False)
    return Markup(code.svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None))


def receipt_page(reading: Reading) -> Response[bytes]:
    """The receipt of a statement, as a document that one keeps."""
    identity = reading.place.segments[1]
    index = reading.view.index_of(identity) if _IDENTITY.fullmatch(identity) else None
    if index is None:
        raise Problem(404, "No statement with this identity is published here.")
    address = msgspec.structs.replace(reading.place, keep=()).address("constancias", identity)
    return answer(
        reading,
        "receipt.html",
        line=line_of(reading, reading.view.entry(index)),
        code=short_code(identity),
        contents=_contents_now(reading, index, identity),
        standing=standing_of(reading.reader.receipt(index), reading.reader.published("policy")),
        file=f"constancia-{index}.tlog-proof",
        # Whoever scans it gets the page and, behind the #, what the page must say.
        qr=qr_code(f"{address}#sha256={identity}"),
        verify_command=f"constancia verify constancia-{index}.tlog-proof --ledger-key '{reading.reader.vkey}'",
    )


# What is public now of a content, beside what the receipt proves for ever.
CONTENTS_NOW: Mapping[str, str] = {
    "shown": msg("Content shown; signature and position valid."),
    "withheld": msg("Content withheld (%(ground)s); signature and position valid."),
    "redacted": msg("Content redacted (%(ground)s): a shorter text is shown; signature and position valid."),
    "replaced": msg("Shorter text that gave way to the full one; signature and position valid."),
    "withdrawn": msg("Withdrawn by its author; signature and position valid."),
    "erased": msg("Content erased (%(ground)s); signature and position valid."),
    "missing": msg("The text is not available here; signature and position valid."),
}


def _contents_now(reading: Reading, index: int, identity: str) -> list[tuple[str, int | None]]:
    """What is public now of each content of a statement, in words, and the entry that decided it."""
    found: list[tuple[str, int | None]] = []
    for digest in reading.view.entry(index).opened.statement.salted_digests():
        content = reading.view.content(identity, digest)
        state, named, by = "missing" if content is None else "shown", "", None
        if isinstance(content, Hidden):
            state, by = content.effect, content.index
            named = reading.say.name("ground", content.ground) if content.ground else ""
        found.append((reading.text(CONTENTS_NOW[state], ground=named), by))
    return found


# --- the page that verifies ------------------------------------------------------------------------------------------

# What the browser says, by code. `%(name)s` is filled in there.
WORDS: Mapping[str, str] = {
    # The verdict, by the kinds of `verify_receipt`.
    "verified": msg(
        "It is valid. The ledger %(origin)s received this statement, «%(kind)s», on %(received)s, and holds it as "
        "entry no. %(index)s."
    ),
    "fork": msg(
        "The ledger contradicts itself: this receipt holds in one of two histories that the ledger %(origin)s signed. "
        "In that one it received this statement, «%(kind)s», on %(received)s as entry no. %(index)s; in the other one "
        "it may not be there."
    ),
    "private-differs": msg(
        "The receipt is valid, but the private file is not that of its statement. The ledger %(origin)s received the "
        "statement, «%(kind)s», on %(received)s, and holds it as entry no. %(index)s."
    ),
    "bad-receipt": msg("It is not valid: the file was altered or is incomplete."),
    "foreign-checkpoint": msg(
        "It is not valid for you: it is signed by a ledger that your policy does not have. The receipt or the policy "
        "is another's."
    ),
    "not-cosigned": msg(
        "It is provisional: the ledger signed it, but the witnesses that your policy asks for have not cosigned yet."
    ),
    "not-a-receipt": msg("That is not a receipt. A receipt is a file that begins with c2sp.org/tlog-proof."),
    "empty-file": msg("The file is empty."),
    "line-ends": msg("A mail program or an editor may have changed its line ends: use the original file."),
    "bad-entry": msg("It is not valid: the entry in it is not of its form."),
    "bad-statement": msg("It is not valid: the statement in it does not hold."),
    "by-own": msg("Judged by the policy or key that you gave."),
    "by-site": msg(
        "Judged by the policy that this site publishes, which proves nothing about the site itself: pin a key that you "
        "got in another way."
    ),
    "server-compared-nothing": msg(
        "Nothing was compared with an earlier checkpoint: the server remembers nothing of what you verify. A browser "
        "with JavaScript does, and the audit does."
    ),
    # What was stated.
    "fact.kind": msg("What was stated"),
    "fact.plan": msg("Plan"),
    "fact.round": msg("Consultation"),
    "fact.commitment": msg("Commitment"),
    "fact.mechanism": msg("Compliance mechanism"),
    "fact.subject": msg("It is about"),
    "fact.level": msg("Level"),
    "fact.by": msg("Signed by"),
    "fact.received": msg("Received"),
    "fact.entry": msg("On this site"),
    "fact.identity": msg("Identity of the statement"),
    "entry-here": msg("Entry no. %(index)s"),
    "signer.person": msg("A person, with their own key"),
    "signer.recovery": msg("A recovery key"),
    "cannot-start": msg("This browser cannot verify: %(detail)s"),
    # The steps.
    "file": msg("The file has the form of a receipt and holds its entry"),
    "checkpoint": msg("The checkpoint in it is well formed"),
    "log": msg("A key of the ledger that you trust signed the checkpoint"),
    "witnesses": msg("The witnesses that your policy asks for cosigned it: %(names)s"),
    "witnesses-none": msg("Your policy asks for no witnesses"),
    "witnesses-untried": msg("The witnesses that your policy asks for cosigned it"),
    "inclusion": msg("The entry stands in the tree whose root was signed, at its index"),
    "entry": msg("The time received is exact and in its only form"),
    "statement": msg("The statement is in its only form and has the fields of its kind"),
    "signers": msg("All that it names signed it, each with the key that it names"),
    "content": msg("The text and its salt give the digest that was signed"),
    "memory": msg("It fits the last checkpoint of this ledger that this browser saw"),
    "ok": msg("holds"),
    "broken": msg("does not hold"),
    "untried": msg("could not be tried"),
    "unverified-lines": msg(
        "Lines signed with ML-DSA-44, which no browser verifies: %(count)s. They were not counted; the command does "
        "verify them."
    ),
    "several-keys": msg(
        "Your policy has several keys of this ledger. A receipt alone does not say up to which size each was in force: "
        "if an earlier one may be in other hands, audit the ledger or ask for witnesses."
    ),
    "roster": msg(
        "That a key belongs to the body it is named with is on the ledger's roster: the audit checks it, a receipt "
        "does not."
    ),
    # Why a step does not hold: the reasons of the formats.
    "reason.empty": msg("there are no bytes"),
    "reason.too-large": msg("it is over a limit of size or number"),
    "reason.bad-utf8": msg("the text is not UTF-8"),
    "reason.control-byte": msg("it holds a control character"),
    "reason.shape": msg("a line or field is missing, too much, or of another form"),
    "reason.no-signatures": msg("it has no signature lines"),
    "reason.encoding": msg("a number or an encoding is not in its one form"),
    "reason.name": msg("that is not the name of a key"),
    "reason.key": msg("that is not a key of a suitable type"),
    "reason.extension": msg("the checkpoint has lines that nobody vouches for"),
    "reason.reference": msg("a name or key is unknown, or stands twice"),
    "reason.weak-key": msg("the key or the signature is weak: it would fit more than one text"),
    "reason.bad-signature": msg("a signature is missing, out of order, or does not verify"),
    "reason.unknown-origin": msg("your policy has no key for this ledger"),
    "reason.not-signed": msg("no key that your policy has for this ledger signed it"),
    "reason.not-cosigned": msg("not enough witnesses cosigned"),
    "reason.inconsistent": msg("the hashes do not lead to the signed root"),
    "reason.entry": msg("it is not a received time and a note"),
    "reason.not-json": msg("it is not one JSON object under the origin"),
    "reason.not-canonical": msg("it is not the canonical form of the bytes"),
    "reason.too-deep": msg("objects are nested too deep"),
    "reason.nul": msg("there is a NUL character"),
    "reason.wrong-origin": msg("it is for another ledger"),
    "reason.private-file": msg("it is not a private file of this program"),
    "reason.content": msg("the text is not the one whose digest was signed"),
    "reason.secret": msg("the secret is not that of this comment"),
    # The private file.
    "content-fits": msg("The text in the private file is the one that was signed: %(text)s"),
    "secret-fits": msg("The claim secret is that of this comment: whoever has it can show that they wrote it."),
    "content-differs": msg("The receipt is one thing and the private file another: %(reason)s."),
    # What the browser remembers.
    "memory.first": msg(
        "It is the first checkpoint of this ledger that this browser sees; it is kept to compare later."
    ),
    "memory.same": msg("It is the last checkpoint that this browser saw."),
    "memory.grown": msg(
        "The ledger has grown from the last checkpoint that this browser saw (%(seen)s entries): proven."
    ),
    "memory.older": msg(
        "It is older than the last checkpoint that this browser saw (%(seen)s entries), and is its beginning: proven."
    ),
    "memory.unreached": msg(
        "It was not compared with the last checkpoint that this browser saw (%(seen)s entries): the proof could not be "
        "fetched. Try again with a network."
    ),
    "memory.behind": msg(
        "It was not compared with the last checkpoint that this browser saw (%(seen)s entries): this server does not "
        "have so many entries. It may be a copy that lags behind: try later, or at another address of the ledger. If "
        "it stays so, keep your receipts and ask a registrar."
    ),
    "memory.unreadable": msg(
        "It was not compared with the last checkpoint that this browser saw (%(seen)s entries): what came back is no "
        "proof. Perhaps the network answered with a page of its own; try again on another."
    ),
    "memory.elsewhere": msg(
        "It was not compared with the last checkpoint that this browser saw (%(seen)s entries): this site serves "
        "another ledger. Verify it on a site that serves its ledger."
    ),
    "memory.unproven": msg(
        "It was not compared with the last checkpoint that this browser saw (%(seen)s entries): the server gave no "
        "proof that holds."
    ),
    "memory.fork": msg(
        "It contradicts the last checkpoint that this browser saw (%(seen)s entries): the ledger signed both."
    ),
    "nothing-yet": msg("nothing to compare yet"),
    "seen": msg("%(origin)s: %(size)s entries, root %(root)s"),
    "seen-none": msg("None yet. It is kept when a receipt has been verified."),
    # The alarm, and doubt.
    "fork.same": msg(
        "Two signed checkpoints say that the ledger %(origin)s has %(size)s entries, and their roots differ. The "
        "ledger shows two histories."
    ),
    "fork.grown": msg(
        "The ledger %(origin)s signed a checkpoint of %(small)s entries and one of %(size)s, and the first is not the "
        "beginning of the second: proven. The ledger shows two histories."
    ),
    "keep.two": msg(
        "Keep both files: together they are evidence that anybody can check, because the ledger signed both and they "
        "are of one size."
    ),
    "keep.three": msg(
        "Keep all three files. Two notes of different sizes prove nothing by themselves: the third file shows that the "
        "larger one does not contain the smaller. Together they are evidence that anybody can check."
    ),
    "doubt": msg(
        "The two checkpoints are of %(small)s and %(size)s entries, and the ledger signed both. That proves nothing "
        "against it yet: a copy may be damaged or lag behind. Try again at another address; if it stays so, download "
        "both notes and send them to a registrar, who can ask for the proof."
    ),
    "note-receipt": msg("Download the checkpoint of the receipt"),
    "note-seen": msg("Download the checkpoint that this browser saw"),
    "fork-proof": msg("Download the proof that they are of two histories"),
    "fork-proof-text": msg(
        "Of two signed notes of one ledger, the one of %(size)s entries holds another root of the first %(small)s than "
        "the one of %(small)s entries: the hashes below lead from that other root to the root of the larger note (RFC "
        "9162, section 2.1.4.2). This text proves nothing without both notes, nor they without it."
    ),
    # Whom the reader trusts.
    "policy-kept": msg("Your policy is kept in this browser. It trusts: %(names)s"),
    "policy-wrong": msg("That is neither a policy nor a key: %(reason)s"),
    "policy-missing": msg("Give your policy or key, or choose that of this site."),
    "policy-is-founding": msg(
        "Those 64 digits are the digest of a founding statement: they go to `constancia audit --founding`. Here paste "
        "the key of the ledger (ORIGIN+CODE+KEY), or a policy, which has lines that begin with log."
    ),
    "policy-unread": msg("The policy of this site could not be read."),
    "receipt-missing": msg("Choose a receipt, or paste one."),
    "engine.webcrypto": msg("The signatures were verified by this browser's own cryptography."),
    "engine.vendored": msg(
        "This browser does not know Ed25519, so a library that came with this page verified the signatures. That is "
        "weaker: whoever can change the page can change it too."
    ),
    "working": msg("Verifying…"),
}


class Form(msgspec.Struct, frozen=True):
    """What the form brings: a receipt's bytes (None where there is neither file nor text), and those of a policy where
    the reader wants one of their own (empty where they gave none). `pasted` are the texts, to stand there again."""

    receipt: bytes | None
    policy: bytes | None
    pasted: tuple[str, str] = ("", "")


class Judged(msgspec.Struct, frozen=True):
    """The server's verdict: the kind of `verify_receipt` or `verified`, the code of why, and the receipt if good.

    `oddity` is that of the file (`oddity_of`). `several_keys`: the policy has more than one key of its ledger, so it
    does not say which was in force. `source` is whose policy judged: `own`, `site`, or nobody's.
    """

    kind: str
    reason: str = ""
    receipt: Receipt | None = None
    several_keys: bool = False
    source: str = ""
    oddity: str = ""

    @property
    def headline(self) -> str:
        """The code of the sentence: what is no receipt at all is told so."""
        return (
            self.oddity if self.kind == "bad-receipt" and self.oddity in ("empty-file", "not-a-receipt") else self.kind
        )


def verify_page(reading: Reading, judged: Judged | None = None, form: Form | None = None) -> Response[bytes]:
    """A field for a receipt, with what was posted in it, and how to check everything without trusting this server."""
    ledger = reading.view.ledger
    url = reading.place.base + reading.place.raw()
    return answer(
        reading,
        "verify.html",
        judged=judged,
        sentence=_sentence(reading, judged) if judged else "",
        reason=reason_words(reading, judged.reason) if judged and judged.source and judged.reason else "",
        facts=_facts(reading, judged.receipt) if judged and judged.receipt else [],
        pasted=form.pasted[0] if form else _asked_for(reading),
        pasted_policy=form.pasted[1] if form else "",
        trusts_site=form is not None and form.policy is None,
        unknown=reading.query.get("constancia", "")[:MAX_ASKED] if not form and not _asked_for(reading) else "",
        words_of_script=words_of_script(reading),
        ledger_url=url,
        install_commands="make install\n. .venv/bin/activate",
        audit_command=f"constancia audit {url}",
        # No digest here: whoever pins what this page says pins whatever a false page says.
        pinned_command=f"constancia audit {url} --policy policy.txt --founding founding.txt",
        receipt_command=f"constancia verify constancia-0.tlog-proof \\\n    --ledger-key '{reading.reader.vkey}'",
        log_vkeys=reading.reader.vkeys,
        founding=ledger.founding,
        standings=[
            {
                "name": each.name,
                "size": each.cosigned_size,
                "cosigned_ms": each.cosigned_at and each.cosigned_at * 1000,
                "silent_ms": each.silent_since and each.silent_since * 1000,
            }
            for each in reading.reader.standings()
        ],
    )


def _sentence(reading: Reading, judged: Judged) -> str:
    """The verdict as a sentence."""
    sentence, receipt = WORDS[judged.headline], judged.receipt
    words = {"reason": reason_words(reading, judged.reason)}
    if receipt is not None:
        words |= {
            "origin": receipt.origin,
            "kind": reading.say.name("kind", receipt.entry.opened.statement.kind),
            "received": f"{reading.say.time(receipt.entry.received_ms)} ({reading.say.offset})",
            "index": reading.say.number(receipt.entry.index),
        }
    return reading.say.words.gettext(sentence) % words


# Codes of the server that are one with another in the browser, whose parser cannot tell them apart.
_SAME_REASON = {
    "duplicate-key": "not-canonical",
    "float": "not-canonical",
    "int-range": "not-canonical",
    "empty-text": "shape",
}


def reason_words(reading: Reading, reason: str) -> str:
    """Why a check failed, in the reader's language and the words of the browser; a code without any stands as it is."""
    sentence = WORDS.get(f"reason.{_SAME_REASON.get(reason, reason)}")
    return reading.text(sentence) if sentence else reason


_ABOUT = ("commitment", "mechanism", "subject")


def _facts(reading: Reading, receipt: Receipt) -> list[tuple[str, Markup, str]]:
    """What was stated, by whom and when, from the receipt alone: labels, texts, and what stands below in small."""
    statement, say = receipt.entry.opened.statement, reading.say
    given = {name: getattr(statement, name, UNSET) for name in ("plan", "round", *_ABOUT, "level")}
    told = {name: value for name, value in given.items() if isinstance(value, str)}
    if any(name in told for name in _ABOUT):
        told.pop("plan", None)
    level = told.pop("level", "")
    rows = [("kind", shown(say.name("kind", statement.kind)), "")]
    rows += [(name, shown(value), "") for name, value in told.items()]
    rows += [("level", shown(say.name("level", level)), "")] if level else []
    rows.append(("by", Markup(" · ").join(_signer(reading, each) for each in statement.by), ""))
    received_ms = receipt.entry.received_ms
    rows.append(("received", Markup("{} ({})").format(say.time(received_ms), say.offset), iso(received_ms)))
    if receipt.origin == reading.view.ledger.origin:
        here = WORDS["entry-here"]
        words = reading.text(here, index=say.number(receipt.entry.index))
        address = reading.place.to("asientos", receipt.entry.index)
        rows.append(("entry", Markup('<a href="{}">{}</a>').format(address, words), ""))
    rows.append(("identity", Markup(""), receipt.entry.opened.identity))
    return [(reading.text(WORDS[f"fact.{name}"]), said, small) for name, said, small in rows]


def _signer(reading: Reading, signer: Signer) -> Markup:
    if isinstance(signer.actor, str):
        return Markup("{} ({})").format(shown(signer.actor), reading.say.name("role", signer.role))
    nameless = WORDS["signer.recovery" if signer.role == "recovery" else "signer.person"]
    return shown(reading.text(nameless))


def _asked_for(reading: Reading) -> str:
    """The receipt of the statement that the address names, as text; nothing where it names none."""
    identity = reading.query.get("constancia", "")
    index = reading.view.index_of(identity) if _IDENTITY.fullmatch(identity) else None
    return "" if index is None else reading.reader.receipt(index).decode()


def words_of_script(reading: Reading) -> dict[str, str]:
    """Everything that the script may say, in the reader's language."""
    found = {code: reading.say.words.gettext(sentence) for code, sentence in WORDS.items()}
    sentence = WORDS["fork-proof-text"]  # whoever is sent the proof may read the other language
    found["fork-proof-text"] = "\n".join(catalogue(language).gettext(sentence) for language in languages())
    found |= {f"kind.{code}": reading.say.name("kind", code) for code in KIND_NAMES}
    found |= {f"level.{code}": reading.say.name("level", code) for code in NAMES["level"]}
    return found | {f"role.{code}": reading.say.name("role", code) for code in NAMES["role"]}


# --- the form, judged here -------------------------------------------------------------------------------------------


def read_form(content_type: str, body: bytes) -> Form:
    """What was posted. Raises Problem (415). Nothing is written to disk, and the private file is not looked for."""
    boundary = re.fullmatch(r'multipart/form-data; *boundary="?([!-~]{1,70}?)"?', content_type)
    limits: Any = {"content_length": len(body), "part_limit": 8, "spool_limit": MAX_UPLOAD, "memory_limit": MAX_UPLOAD}
    try:
        parser: Any = MultipartParser(BytesIO(body), boundary[1] if boundary else "", strict=True, **limits)
        parts = {part.name: part for part in parser}
    except (MultipartError, ValueError, UnicodeDecodeError):
        raise Problem(415, "That is not the form of this page.") from None
    raw: dict[str, bytes] = {name: part.raw for name, part in parts.items()}
    pasted, policy = _pasted(raw.get("pasted", b"")), _pasted(raw.get("policy", b""))
    # Where no file was chosen, browsers send one without a name.
    chosen = raw["receipt"] if "receipt" in parts and parts["receipt"].filename else None
    return Form(
        receipt=chosen if chosen is not None else pasted or None,
        policy=(raw.get("policy_file") or policy) if raw.get("trust") == b"own" else None,
        pasted=(pasted.decode("utf-8", "replace"), policy.decode("utf-8", "replace")),
    )


def _pasted(text: bytes) -> bytes:
    """What stood in a text field: forms send CR LF for its line ends, and the last one is easily left out."""
    text = text.replace(b"\r\n", b"\n")
    return text if not text or text.endswith(b"\n") else text + b"\n"


def policy_of(raw: bytes) -> Policy:
    """A policy from its file, or from a vkey alone. Raises FormatError."""
    words = raw.split()
    if len(words) == 1 and b"+" in words[0]:
        return Policy.from_log_key(words[0].decode("utf-8", "replace"))
    return parse_policy(raw)


def judged_page(reading: Reading, form: Form) -> Response[bytes]:
    """The same page with the server's verdict on it."""
    response = verify_page(reading, judge(form, reading.reader.published("policy") or b""), form)
    response.headers["cache-control"] = "no-store"
    return response


def judge(form: Form, published: bytes) -> Judged:
    """The verdict on what was posted; `published` is the ledger's own policy."""
    if form.receipt is None:
        return Judged("receipt-missing")
    chosen = published if form.policy is None else form.policy
    source = "site" if form.policy is None else "own"
    if source == "own" and not chosen:
        return Judged("policy-missing")
    if re.fullmatch(rb"\s*[0-9A-Fa-f]{64}\s*", chosen):
        return Judged("policy-is-founding")
    if len(chosen) > MAX_POLICY:
        return Judged("policy-wrong", "too-large")
    try:
        policy = policy_of(chosen)
    except FormatError as error:
        return Judged("policy-wrong", error.reason)
    oddity = oddity_of(form.receipt)
    try:
        receipt = verify_receipt(form.receipt, policy)
        several = sum(log.verifier.name == receipt.origin for log in policy.logs) > 1
        return Judged("verified", "", receipt, several, source)
    except Misbehaviour as fault:
        return Judged(fault.kind, fault.reason, source=source, oddity=oddity)
