"""FORMAT.md is true: its catalogue is the vocabulary's, and its worked examples are what the code makes.

`python tests/test_format.py` prints the catalogue of kinds and objects for FORMAT.md.
"""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import world as w
from msgspec import UNSET
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from api.answers import Envelope
from api.names import KIND_RULES
from api.problems import Problem
from consultation import text
from consultation.desk import Desk
from consultation.vault import Vault
from ledger import vocabulary
from ledger.docket import claim_of
from ledger.errors import STATUS_OF_CODE, Refused
from ledger.kinds import FILLED_IN, draft_of, fields_of
from ledger.log import FORMATS, LedgerFile
from ledger.published import Folder, parse_stamp_path, stamp_path
from ledger.statement import canonical, format_entry, identity_of, key_name, open_statement, parse_entry, parse_time
from ledger.tlog.checkpoint import format_checkpoint_text, parse_checkpoint_text
from ledger.tlog.note import parse_note, parse_vkey, verify_ed25519
from ledger.vocabulary import KINDS, Shape, Statement

FORMAT = Path(__file__).parent.parent / "ledger" / "FORMAT.md"


# --- the catalogue, written from the vocabulary


def rows(struct: type[msgspec.Struct], leave_out: frozenset[str]) -> list[str]:
    """The table of a struct's fields: name, presence, type."""
    fields = fields_of(struct, leave_out)
    return [
        "| field | | type |",
        "|---|---|---|",
        *(f"| `{name}` | {mark} | {words} |" for name, mark, words in fields),
    ]


def catalogue() -> str:
    """The sections "Objects" and "Kinds" of FORMAT.md."""
    objects = [one for one in Shape.__subclasses__() if not issubclass(one, Statement)]
    lines = ["## Objects", ""]
    for struct in [vocabulary.Signer, *sorted(objects, key=lambda one: one.__name__)]:
        assert struct.__doc__ is not None
        lines += [f"### {struct.__name__}", "", struct.__doc__.splitlines()[0], "", *rows(struct, frozenset()), ""]
    lines += ["## Kinds", ""]
    for name, kind in KINDS.items():
        assert kind.__doc__ is not None
        signed = kind.signed_by.replace("*", " × ")
        plan = "no plan" if "plan" not in kind.__struct_fields__ else "plan"
        plan = "plan of the statement named" if issubclass(kind, vocabulary.OfStatement) else plan
        lines += [f"### {name}", "", kind.__doc__.splitlines()[0], ""]
        importer = "; or the importer, as printed" if kind.importable else ""
        lines += [
            f"Signed by {signed}{importer}. Has {plan}. Stream `{kind.stream_template or '{subject} or plan/{plan}'}`.",
            "",
        ]
        refs = "; ".join(f"`{field}` names {' or '.join(kinds)}" for field, kinds in kind.refs.items())
        lines += [f"References: {refs.replace(' *', ' any statement')}.", ""] if refs else []
        lines += [f"Rule: {KIND_RULES[name]}", ""] if name in KIND_RULES else []
        lines += [*rows(kind, FILLED_IN), ""]
    return "\n".join(lines).rstrip() + "\n"


def section(title: str) -> str:
    """The text of a section of FORMAT.md, up to the next of its rank."""
    whole = FORMAT.read_text("utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", whole, re.DOTALL | re.MULTILINE)
    assert found, f"FORMAT.md has no section {title!r}"
    return found[1]


def example(title: str, number: int = 0) -> str:
    """The n-th indented or fenced block of a section, without the fence."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```\n", section(title), re.DOTALL | re.MULTILINE)
    return str(blocks[number])


def test_the_catalogue_is_the_vocabularys() -> None:
    whole = FORMAT.read_text("utf-8")
    start = whole.index("## Objects\n")
    stop = whole.index("\n## Admissibility")
    assert whole[start:stop].rstrip() + "\n" == catalogue(), "run `python tests/test_format.py` and put its output in"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_a_draft_has_the_fields_that_must_be_there_and_is_refused_as_it_stands(kind: type[Statement]) -> None:
    draft = draft_of(kind)
    needed = {field.name for field in fields_of(kind) if field.mark != "?"}
    made = {field.name for field in fields_of(kind) if field.type == "claim"}  # by whoever signs
    assert set(draft) - {"plan"} == {"kind", *needed} - made
    assert ("plan" in draft) == ("plan" in kind.__struct_fields__)
    common = {
        "by": [{"key": w.public("copret"), "role": "citizen"}],
        "said_at": "2026-02-16T12:00:00Z",
        "lang": "es-GT",
    }
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(draft | common | {"plan": w.PLAN}, kind)


def test_every_refusal_code_is_documented() -> None:
    told = set(re.findall(r"^\| `([a-z0-9-]+)` \|", section("Refusals"), re.MULTILINE))
    assert told == set(STATUS_OF_CODE)


# --- the worked examples


def test_canonical_json() -> None:
    plain = msgspec.json.decode(example("Canonical JSON", 0))
    assert canonical(plain) + b"\n" == example("Canonical JSON", 1).encode()


def test_statement_key_name_and_identity() -> None:
    note = example("Statement", 0).encode()
    opened = open_statement(note, w.ORIGIN)
    key = example("Statement", 1).strip()
    name, identifier, raw = key_name(w.ORIGIN, key)
    assert example("Statement", 2) == f"{name}\n{identifier.hex()}\n"
    assert (raw.hex(), opened.statement.by[0].key) == (key, key) == (w.public("copret"),) * 2
    assert example("Statement", 3).strip() == opened.identity == identity_of(w.ORIGIN, opened.statement)
    assert opened.identity == sha256(note.partition(b"\n\n")[0] + b"\n").hexdigest()
    assert name == f"{w.ORIGIN}/k/{sha256(raw).hexdigest()[:32]}"


def test_entry_and_leaf() -> None:
    entry = example("Entry", 0).encode()
    received_ms, note = parse_entry(entry)
    assert note == example("Statement", 0).encode()
    assert format_entry(received_ms, note) == entry
    assert received_ms == parse_time(entry[:24].decode())
    assert example("Entry", 1).strip() == sha256(b"\0" + entry).hexdigest()


def test_salted_digest_and_claim() -> None:
    salt, key, content, digest = (example("Contents", number).strip() for number in range(4))
    parsed = text.parse_content(content.encode())
    assert text.salted_digest(bytes.fromhex(salt), w.ORIGIN, key, parsed) == digest
    lines = b"constancia/content/v1\n" + bytes.fromhex(salt) + f"{w.ORIGIN}\n{key}\n".encode()
    assert sha256(lines + content.encode()).hexdigest() == digest
    claim = example("Claim").strip()
    assert claim == text.claim(bytes(32)) == sha256(b"constancia/claim/v1\n" + bytes(32)).hexdigest()
    assert claim_of("00" * 32) == claim


def test_contents_bundle() -> None:
    raw = example("Contents", 4).encode()
    lines = text.parse_bundle(raw, 0)
    assert text.format_bundle(lines) == raw
    assert lines[0].salted_digest == example("Contents", 3).strip()
    assert lines[1].by is not UNSET


def test_refusal_note() -> None:
    raw = example("Refusal note").encode()
    note = parse_note(raw)
    name, identifier, key = key_name(w.ORIGIN, w.public("desk"))
    assert (note.lines[0].name, note.lines[0].key_id) == (name, identifier)
    verify_ed25519(key, note.text, note.lines[0].signature)
    with pytest.raises(Refused) as caught:  # nobody can register it
        open_statement(raw, w.ORIGIN)
    assert caught.value.code == "shape"


def test_the_desks_refusal_is_the_documented_one(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault.db", create=True)
    desk = Desk(w.ORIGIN, vault, Folder(tmp_path / "public"), w.key_of("desk"))
    identity = example("Statement", 3).strip()
    assert desk.refusal(identity, "closed", parse_time("2026-02-16T12:00:00.123Z")).decode() == example("Refusal note")
    vault.close()


def test_ledger_file() -> None:
    raw = example("Published files").encode()
    found = msgspec.json.decode(raw, type=LedgerFile)
    assert canonical(found) + b"\n" == raw
    assert parse_vkey(found.log_keys[0]).public_key.hex() == w.public("log")
    assert found.formats == FORMATS


def test_time_stamp() -> None:
    text, imprint, asked, path = (example("Time stamp", number) for number in range(4))
    checkpoint = parse_checkpoint_text(text.encode())
    assert format_checkpoint_text(checkpoint).decode() == text
    assert sha256(text.encode()).hexdigest() == imprint.strip()
    query = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    assert bytes.fromhex(asked) in query.as_bytes()
    assert stamp_path(checkpoint.size, "0123456789abcdef" * 4) == path.strip()
    assert parse_stamp_path(path.strip()) == (checkpoint.size, "0123456789abcdef")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_envelope_of_answers(number: int) -> None:
    raw = example("API answers", number).strip().encode()
    assert canonical(msgspec.json.decode(raw, type=Envelope[Any])) == raw


def test_a_problem_is_the_documented_one() -> None:
    problem = Problem.of(Refused("closed", "A8", "the round has closed"))
    problem.refusal = example("Refusal note").encode()
    assert problem.body().decode() + "\n" == example("API answers", 3)
    assert msgspec.json.decode(problem.body("en"))["title"] != msgspec.json.decode(problem.body())["title"]


def test_records_digest() -> None:
    total = 0
    for line in example("Records digest", 0).splitlines():
        table, key, record = msgspec.json.decode(line)
        raw = table.encode() + b"\0" + key.encode() + b"\0" + canonical(record)
        total = (total + int.from_bytes(sha256(raw).digest(), "big")) % 2**256
    raw = b"constancia/records/v1\n" + w.ORIGIN.encode() + b"\n2\n" + total.to_bytes(32, "big")
    assert sha256(raw).hexdigest() == example("Records digest", 1).strip()


if __name__ == "__main__":
    print(catalogue(), end="")
