"""The command as people and scripts meet it: real processes, real files, a real server on this machine."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.request import urlopen

import pytest
import world as w
from nacl.signing import SigningKey
from service import founded_lately, put_on_disk, until
from witnesses import Behave, InMemory, Peer, hang, log_vkey, policy_of, verifier_of

from api.demo.build import MODERATOR, PLAN, ROUND, Built, build, explain_keys
from api.keyfiles import make_key_file, public_hex, read_key_file
from api.posting import Post
from api.problems import RULES
from api.signing import read_signed, sign_draft
from ledger.cosigning import open_policy
from ledger.journal import Journal
from ledger.statement import open_statement
from ledger.tlog.merkle import Frontier
from ledger.vocabulary import KINDS, CompletionReported

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).parent / "constancia"
G2, C8 = "gt-2014-2016/G2", "gt-2014-2016/C8"
COMMANDS = (
    "answer",
    "archive",
    "audit",
    "capture",
    "demo",
    "import-report",
    "init",
    "key",
    "kinds",
    "log-key",
    "mirror",
    "moderate",
    "recheck",
    "round",
    "serve",
    "sign",
    "status",
    "submit",
    "timestamp",
    "transcribe",
    "verify",
    "witness",
)


def environment(**more: str) -> dict[str, str]:
    """Our environment without what would change a command's words or settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CONSTANCIA", "LC_", "LANG"))}
    return plain | {"NO_COLOR": "1"} | more


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


def run(*words: str | Path, cwd: Path | None = None, **more: str) -> Ran:
    """Run the command to its end. No run, whatever it was told, shows a traceback."""
    ran = subprocess.run(
        [COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in ran.stderr + ran.stdout
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@contextmanager
def serving(place: Path, *, log: Path | None = None, words: Sequence[str] = ()) -> Generator[str]:
    """The address of the ledger in a folder, served by a process of its own until the end of the block."""
    with (log or place.parent / "server.log").open("ab") as errors:
        process = subprocess.Popen(
            [COMMAND, "serve", "--dir", place, "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment(),
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            assert process.wait(60) == 0, Path(errors.name).read_text()
        assert found, line
        try:
            yield found[0].rstrip("/")
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
    assert code == 0, Path(errors.name).read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A demonstration that tests read and add to."""
    return build(tmp_path_factory.mktemp("demo") / "mundo")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Another ledger."""
    return build(tmp_path_factory.mktemp("otra") / "mundo")


@pytest.fixture(scope="module")
def url(demo: Built) -> Iterator[str]:
    with serving(demo.place) as address:
        yield address


def pinned(demo: Built) -> tuple[str | Path, ...]:
    return "--policy", demo.place / "public" / "policy", "--founding", demo.founding


def draft(path: Path, **fields: object) -> Path:
    """A draft in a file: a level reported on a commitment of COPRET, unless told otherwise."""
    plain: dict[str, object] = {
        "kind": "CompletionReported", "subject": G2, "level": "complete", "reason": "Se hizo.", "evidence": [],
    }  # fmt: skip
    path.write_text(json.dumps({name: value for name, value in (plain | fields).items() if value is not None}))
    return path


def test_kinds_lists_what_can_be_stated_and_shows_a_draft_of_each() -> None:
    listed = run("kinds", "--json").json
    assert [one["kind"] for one in cast("list[Any]", listed)] == list(KINDS)
    shown = run("kinds", "CompletionReported")
    assert shown.code == 0
    assert "Nivel reportado" in shown.out
    assert '"level": "complete|limited|' in shown.out
    told = run("kinds", "CommentSubmitted", "--json").json
    assert [field["name"] for field in told["fields"] if field["mark"] != "?"] == [
        "plan", "round", "version", "about", "salted_digest", "claim"
    ]  # fmt: skip
    assert told["draft"] == {
        "kind": "CommentSubmitted", "plan": "", "round": "", "version": 0, "about": "",
        "salted_digest": {"$content": {"text": ""}},
    }  # fmt: skip
    assert "C8" in told["types"]["about"]


def test_a_draft_of_what_is_said_of_a_commitment_names_the_plan_too() -> None:
    told = run("kinds", "VerdictGiven", "--json").json
    assert told["draft"]["plan"] == ""
    assert "plan" in [field["name"] for field in told["fields"]]


def test_a_plan_left_empty_is_read_off_the_commitment() -> None:
    draft = {"kind": "CompletionReported", "plan": "", "subject": f"{w.PLAN}/C8", "level": "complete"}
    draft |= {"reason": "Se publicó.", "evidence": []}
    by = [{"actor": "minfin", "key": w.public("minfin"), "role": "institution"}]
    signed = sign_draft(draft, w.ORIGIN, [w.key_of("minfin")], by=by, now_ms=time.time_ns() // 1_000_000)
    assert isinstance(signed.statement, CompletionReported)
    assert signed.statement.plan == w.PLAN


@pytest.mark.parametrize("kind", KINDS)
def test_of_each_kind_every_type_is_explained(kind: str) -> None:
    told = run("kinds", kind, "--json").json
    assert all(told["types"].values()), told["types"]
    assert told["draft"]["kind"] == kind


def test_a_kind_misspelt_is_answered_with_the_one_meant() -> None:
    ran = run("kinds", "commentsubmited")
    assert ran.code == 2
    assert "¿Quiso decir CommentSubmitted?" in ran.err


def sign_for(demo: Built, paper: Path, who: str, role: str) -> Ran:
    key = demo.place / "keys" / f"{who}.key"
    return run("sign", paper, "--key", key, "--origin", demo.origin, "--actor", who, "--role", role)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("key", "new"), ("key", "show")])
def test_help_is_there_in_spanish_first_and_in_english(command: tuple[str, ...]) -> None:
    spanish = run(*command, "--help")
    english = run(*command, "--help", LANG="en_US.UTF-8")
    asked = run(*command, "--help", "--lang", "en")

    assert (spanish.code, english.code, spanish.err) == (0, 0, "")
    assert "Uso:" in spanish.out
    assert "Usage:" in english.out
    assert english.out == asked.out
    for ours, theirs in (("Usage", "Uso"), ("Options", "Opciones"), ("Show this help", "Muestra esta ayuda")):
        assert ours not in spanish.out
        assert theirs not in english.out


def test_the_help_of_all_names_every_command() -> None:
    shown = run("--help").out
    assert all(name in shown for name in COMMANDS)


def test_an_option_without_its_value_is_told_so_with_the_help_of_its_command() -> None:
    ran = run("init", "x", "--founding")
    assert ran.code == 2
    assert "falta el valor de --founding" in ran.err
    assert "constancia init --help" in ran.err


def test_the_version_is_told() -> None:
    assert run("--version").out.startswith("constancia 0.")


@pytest.mark.parametrize(
    ("words", "es", "en"),
    [
        (["audit"], "falta", "Missing"),
        (["audit", "x", "--nada"], "no hay ninguna opción --nada", "No such option"),
        (["audit", "x", "--at", "cero"], "no sirve", "Invalid value"),
        (["audit", "x", "--at", "0"], "se espera un número entero, de 1 en adelante", "Invalid value"),
        (["init", "x", "--purpose", "prueba"], "se espera uno de record, demonstration", "Invalid value"),
        (["audit", "localhost:9/gt"], "¿Quiso decir http://localhost:9/gt?", "Did you mean http://localhost:9/gt?"),
        (["import-report", "nada", "--submit"], "--submit necesita --to y --key", "--submit needs --to and --key"),
        (["nada"], "no hay ninguna orden", "No such command"),
        (["verify", "x"], "--policy o --ledger-key", "--policy or --ledger-key"),
        (["audit", "http:/x"], "No hay ninguna carpeta", "There is no folder"),
        (["audit", "ftp://x/gt"], "no es la dirección de un registro", "is not the address of a ledger"),
        (["audit", ".", "--founding", "abc"], "64 dígitos", "64 hexadecimal digits"),
        (["status", "."], "no es la carpeta de un registro", "is not the folder of a ledger"),
        (["audit", "."], "no es la carpeta de un registro", "is not the folder of a ledger"),
        (["serve"], "no es la carpeta de un registro", "is not the folder of a ledger"),
        (["serve", "--dir", "nada"], "no es la carpeta de un registro", "is not the folder of a ledger"),
        (["submit", "nada", "--to", "http://127.0.0.1:9/gt"], "no existe", "no such file"),
        (["sign", "nada", "--key", "k"], "no existe", "no such file"),
        (["import-report", "nada"], "no existe", "no such file"),
        (["import-report", "."], "es una carpeta", "is a directory"),
        (["init", "nuevo"], "Falta --origin", "--origin, the ledger's name, is missing"),
        (["init", "nuevo", "--origin", "con espacios"], "no puede ser el origen", "cannot be the origin"),
        (["demo", "--dir", "sin/tal/carpeta"], "No hay ninguna carpeta", "There is no folder"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_says_what_to_do_next(
    tmp_path: Path, words: list[str], es: str, en: str
) -> None:
    for lang, said in (("es", es), ("en", en)):
        ran = run(*words, "--lang", lang, cwd=tmp_path)
        assert (ran.code, ran.out) == (2, ""), ran
        assert said in ran.err
        assert len(ran.err.splitlines()) >= 2, "an error without advice"
    assert list(tmp_path.iterdir()) == []


def test_a_defect_of_ours_shows_its_traceback_only_when_asked(tmp_path: Path) -> None:
    ran = subprocess.run(
        [COMMAND, "audit", tmp_path, "--debug"], capture_output=True, text=True, check=False, env=environment()
    )
    assert ran.returncode == 1
    assert "Traceback" in ran.stderr


# --- keys, drafts, notes ---------------------------------------------------------------------------------------------


def test_a_new_key_prints_its_public_half_and_its_name_in_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "mia"
    made = run("key", "new", path, "--origin", "constancia.example/gt", CONSTANCIA_PASSPHRASE="una frase")
    shown = run("key", "show", path, "--origin", "constancia.example/gt", "--json")

    assert made.code == 0
    assert made.out.split() == [shown.json["key"], shown.json["name"]]
    assert re.fullmatch(r"[0-9a-f]{64}", shown.json["key"])
    assert re.fullmatch(r"constancia\.example/gt/k/[0-9a-f]{32}", shown.json["name"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_hex(read_key_file(path, lambda _: b"una frase")) == shown.json["key"]

    again = run("key", "new", path, "--no-passphrase")
    assert again.code == 2
    assert "nunca se sobrescribe" in again.err
    alone = run("key", "new", tmp_path / "otra")
    assert (alone.code, (tmp_path / "otra").exists()) == (2, False)
    assert "CONSTANCIA_PASSPHRASE" in alone.err


def test_a_draft_is_signed_and_a_second_signer_adds_a_line(tmp_path: Path) -> None:
    origin = "constancia.example/gt"
    keys = {name: make_key_file(tmp_path / f"{name}.key", None) for name in ("icefi", "copret")}
    paper = draft(
        tmp_path / "alta.json", kind="ActorRegistered", actor="nuevo", form="institution", name="Nuevo",
        subject=None, level=None, reason=None, evidence=None,
    )  # fmt: skip
    also = f"copret:registrar:{public_hex(keys['copret'])}"
    first = run(
        "sign", paper, "--key", tmp_path / "icefi.key", "--origin", origin, "--actor", "icefi", "--role", "registrar",
        "--also", also, "--json",
    )  # fmt: skip
    assert first.code == 0, first.err
    assert first.json["missing"] == [public_hex(keys["copret"])]
    early = run("submit", tmp_path / "alta.note", "--to", "http://127.0.0.1:9/gt")
    assert (early.code, "Faltan firmas" in early.err) == (2, True)

    stranger = run("sign", tmp_path / "alta.note", "--key", tmp_path / "mia")
    assert stranger.code == 2
    wrong = run("sign", tmp_path / "alta.note", "--key", tmp_path / "copret.key", "--origin", "otro.example/gt")
    assert (wrong.code, "wrong-origin" in wrong.err) == (1, True)
    second = run("sign", tmp_path / "alta.note", "--key", tmp_path / "copret.key")
    assert second.code == 0, second.err
    assert "ActorRegistered" in second.err, "who signs sees what"

    opened = open_statement((tmp_path / "alta.note").read_bytes(), origin)
    assert [signer.actor for signer in opened.statement.by] == ["icefi", "copret"]


def test_a_comments_text_stays_out_of_the_note_and_its_secret_out_of_the_submission(tmp_path: Path) -> None:
    make_key_file(tmp_path / "yo", None)
    paper = draft(
        tmp_path / "opino.json", kind="CommentSubmitted", plan="gt-2014-2016", round="r", version=1, about="whole",
        salted_digest={"$content": {"text": "Que se publique el acta."}},
        subject=None, level=None, reason=None, evidence=None,
    )  # fmt: skip
    ran = run("sign", paper, "--key", tmp_path / "yo", "--origin", "constancia.example/gt")
    assert ran.code == 0, ran.err

    submission = json.loads((tmp_path / "opino.submission.json").read_bytes())
    private = tmp_path / "opino.private.json"
    assert "acta" not in submission["note"]
    assert submission["contents"][0]["content"] == {"text": "Que se publique el acta."}
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert json.loads(private.read_bytes())["secret"] not in json.dumps(submission)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "Inventado"}, "shape"),
        ({"level": "casi"}, "shape"),
        ({"level": 1.5}, "float"),
        ({"reason": None}, "shape"),
        ({"sobra": 1}, "shape"),
        ({"reason": "   "}, "shape"),
        ({"by": []}, "shape"),
        ({"by": "yo"}, "shape"),
        ({"reason": "x" * 5000}, "shape"),
        ({"said_at": "ayer"}, "shape"),
    ],
)
def test_a_draft_that_is_no_statement_is_refused_before_it_is_signed(
    tmp_path: Path, fields: dict[str, object], code: str
) -> None:
    make_key_file(tmp_path / "k", None)
    paper = draft(tmp_path / "b.json", **fields)

    ran = run(
        "sign", paper, "--key", tmp_path / "k", "--origin", "c.example/gt", "--actor", "a", "--role", "institution"
    )

    assert ran.code == 1, ran
    assert code in ran.err
    assert not (tmp_path / "b.note").exists()


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b'{"kind":1}', b"[" * 5000, b'"a"'])
def test_what_is_no_draft_is_said_to_be_none(tmp_path: Path, raw: bytes) -> None:
    make_key_file(tmp_path / "k", None)
    (tmp_path / "b.json").write_bytes(raw)

    ran = run("sign", tmp_path / "b.json", "--key", tmp_path / "k", "--origin", "c.example/gt")

    assert ran.code in (1, 2)
    assert ran.out == ""
    assert ran.err.startswith("Error")


# --- a statement on its way ------------------------------------------------------------------------------------------


def fetch(address: str) -> bytes:
    with urlopen(address, timeout=10) as answer:
        return answer.read()


def test_a_statement_goes_from_a_draft_to_page_receipt_and_audit_within_a_second(
    tmp_path: Path, demo: Built, url: str
) -> None:
    paper = draft(tmp_path / "nivel.json", subject=C8, level="limited", reason="Avanza despacio.")
    # C8 is complete as printed: reopening comes first.
    reopen = draft(
        tmp_path / "reabre.json", kind="CommitmentReopened", commitment=C8, reason="Hay más que hacer.",
        subject=None, level=None, evidence=None,
    )  # fmt: skip
    for one in (reopen, paper):
        assert sign_for(demo, one, "segeplan", "institution").code == 0
    run("submit", tmp_path / "reabre.note", "--to", url)

    sent = run("submit", tmp_path / "nivel.note", "--to", url, "--json")
    shown = time.monotonic()

    assert sent.code == 0, sent.err
    told = sent.json
    page = fetch(told["link"]).decode()
    assert time.monotonic() - shown < 1
    assert "Avanza despacio." in page
    assert told["identity"][:8] in page

    again = run("submit", tmp_path / "nivel.note", "--to", url, "--json").json
    assert (again["index"], again["received_at"], again["fresh"]) == (told["index"], told["received_at"], False)

    receipt = tmp_path / "nivel.tlog-proof"
    by_policy = run("verify", receipt, "--policy", demo.place / "public" / "policy", "--json")
    assert (by_policy.code, by_policy.json["index"]) == (0, told["index"])
    vkey = (demo.place / "public" / "policy").read_text().split()[1]
    assert run("verify", receipt, "--ledger-key", vkey).code == 0

    audited = run("audit", url, *pinned(demo), "--json")
    assert (audited.code, audited.json["verdict"]) == (0, "verified")
    assert audited.json["counts"]["entries"] > told["index"]
    assert audited.json["served_digest"] == audited.json["digest"], "the server shows what the auditor computes"


Bend = Callable[[Path, Built, Built], Path]


def _signed(paper: Path, origin: str, key: SigningKey, actor: str | None, role: str, **fields: object) -> Path:
    """A note signed without the command, so that refusals are the server's alone."""
    plain: dict[str, Any] = {
        "kind": "CompletionReported", "subject": G2, "level": "complete", "reason": "Se hizo.", "evidence": [],
    }  # fmt: skip
    by = [{"key": public_hex(key), "role": role} | ({"actor": actor} if actor else {})]
    signed = sign_draft(plain | fields, origin, [key], by=by, now_ms=time.time_ns() // 1_000_000)
    paper.write_bytes(signed.note)
    return paper


def _key(demo: Built, name: str) -> SigningKey:
    return read_key_file(demo.place / "keys" / f"{name}.key", lambda _: b"")


def _unknown_key(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, SigningKey.generate(), "copret", "institution")


def _of_another_ledger(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, other.origin, _key(demo, "copret"), "copret", "institution")


def _without_the_role(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, _key(demo, "icefi"), "icefi", "institution")


def _out_of_scope(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, _key(demo, "sat"), "sat", "institution")


def _revoked(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, _key(demo, "ine"), "ine", "institution")


def _from_the_future(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, _key(demo, "copret"), "copret", "institution", said_at="2999-01-01T00:00:00Z")


def _unknown_commitment(path: Path, demo: Built, other: Built) -> Path:
    return _signed(path, demo.origin, _key(demo, "copret"), "copret", "institution", subject="gt-2014-2016/G99")


def _altered(path: Path, demo: Built, other: Built) -> Path:
    _signed(path, demo.origin, _key(demo, "copret"), "copret", "institution")
    path.write_bytes(path.read_bytes().replace(b"Se hizo.", b"Se hize."))
    return path


@pytest.fixture(scope="module")
def revoked(demo: Built, url: str) -> None:
    """The key of ine is revoked by its holder."""
    key = _key(demo, "ine")
    by = [{"actor": "ine", "key": public_hex(key), "role": "holder"}]
    plain = {"kind": "KeyRevoked", "key": public_hex(key), "cause": "lost"}
    signed = sign_draft(plain, demo.origin, [key], by=by, now_ms=time.time_ns() // 1_000_000)
    with Post(url) as post:
        post.submit(signed.body, signed.media_type)


@pytest.mark.usefixtures("revoked")
@pytest.mark.parametrize(
    ("bend", "code", "rule"),
    [
        (_unknown_key, "unknown-key", "A2"),
        (_of_another_ledger, "wrong-origin", "A1"),
        (_without_the_role, "role-scope", "A3"),
        (_out_of_scope, "role-scope", "A3"),
        (_revoked, "revoked-key", "A2"),
        (_from_the_future, "future", "A9"),
        (_unknown_commitment, "unknown-ref", "A5"),
        (_altered, "bad-signature", "A2"),
    ],
)
def test_a_refusal_ends_with_1_and_names_code_and_rule(
    tmp_path: Path, demo: Built, other: Built, url: str, bend: Bend, code: str, rule: str
) -> None:
    note = bend(tmp_path / "x.note", demo, other)

    ran = run("submit", note, "--to", url)
    for_programs = run("submit", note, "--to", url, "--json")

    assert ran.code == for_programs.code == 1
    assert f"Código {code}: " in ran.err
    assert f"Regla {rule}: {RULES[rule][0]}" in ran.err
    assert for_programs.json["refused"]["code"] == code
    assert not (tmp_path / "x.tlog-proof").exists()


def test_a_receipt_of_another_ledger_is_not_taken_for_ours(tmp_path: Path, demo: Built, other: Built, url: str) -> None:
    note = _signed(tmp_path / "x.note", demo.origin, _key(demo, "copret"), "copret", "institution", reason="Otra vez.")

    ran = run("submit", note, "--to", url, "--policy", other.place / "public" / "policy")

    assert ran.code == 1
    assert "foreign-checkpoint" in ran.err


def test_what_a_ledger_gave_for_a_receipt_is_kept_even_when_it_proves_nothing(
    tmp_path: Path, demo: Built, other: Built, url: str
) -> None:
    note = _signed(tmp_path / "x.note", demo.origin, _key(demo, "copret"), "copret", "institution", reason="Una más.")
    ran = run("submit", note, "--to", url, "--policy", other.place / "public" / "policy")
    assert ran.code == 1
    assert "contestó que la tiene como asiento" in ran.err
    assert (tmp_path / "x.tlog-proof").read_bytes().startswith(b"c2sp.org/tlog-proof")


def test_a_text_changed_after_signing_is_noticed_before_it_is_sent(tmp_path: Path, demo: Built, url: str) -> None:
    text = {"$content": {"text": "Soy una vecina."}}
    paper = tmp_path / "c.json"
    comment = {"kind": "CommentSubmitted", "plan": PLAN, "round": ROUND, "version": 1, "about": "whole"}
    paper.write_text(json.dumps(comment | {"salted_digest": text}))
    key = demo.place / "keys" / "vecina-1.key"
    assert run("sign", paper, "--key", key, "--origin", demo.origin).code == 0
    submission = tmp_path / "c.submission.json"
    submission.write_text(submission.read_text().replace("vecina", "vecino"))
    for _ in range(2):
        ran = run("submit", submission, "--to", url)
        assert ran.code == 1
        assert "digest-mismatch" in ran.err


def test_a_citizen_takes_a_comment_back_and_says_why_and_the_audit_agrees(tmp_path: Path) -> None:
    built = build(tmp_path / "demo")
    key = built.place / "keys" / "vecino-2.key"
    paper = tmp_path / "c.json"
    with serving(built.place) as address:
        for draft_ in (
            {
                "kind": "CommentSubmitted",
                "plan": PLAN,
                "round": ROUND,
                "version": 1,
                "about": "whole",
                "salted_digest": {"$content": {"text": "Que se publique."}},
            },
            {
                "kind": "StatementWithdrawn",
                "plan": PLAN,
                "words": {"salted_digest": {"$content": {"text": "Me equivoqué."}}},
            },
        ):
            if draft_["kind"] == "StatementWithdrawn":
                draft_["statement"] = read_signed((tmp_path / "c.submission.json").read_bytes()).identity
                (tmp_path / "c.submission.json").unlink()
                (tmp_path / "c.private.json").unlink()
            paper.write_text(json.dumps(draft_))
            assert run("sign", paper, "--key", key, "--origin", built.origin).code == 0
            sent = run("submit", tmp_path / "c.submission.json", "--to", address)
            assert sent.code == 0, sent.err
        audited = run("audit", address, *pinned(built), "--json")
    assert (audited.code, audited.json["verdict"], audited.json["findings"]) == (0, "verified", [])


def test_what_registrars_state_before_an_import_is_drafted_for_them(
    tmp_path: Path, demo: Built, url: str, seed_report: Path
) -> None:
    ran = run("import-report", seed_report, "--prepare", tmp_path / "papeles")
    assert ran.code == 0, ran.err
    papers = sorted((tmp_path / "papeles").iterdir())
    assert [paper.name for paper in papers][-2:] == ["14-importador.json", "15-importador-role.json"]
    keys = demo.place / "keys"
    also = f"copret:registrar:{keys / 'copret.key'}"
    (paper,) = (tmp_path / "papeles").glob("*-minfin.json")
    words = ["--key", keys / "icefi.key", "--origin", demo.origin, "--actor", "icefi", "--role", "registrar"]
    assert run("sign", paper, *words, "--also", also).code == 0
    note = paper.with_suffix(".note")
    assert run("sign", note, "--key", keys / "copret.key").code == 0
    sent = run("submit", note, "--to", url)  # the demonstration has it, so the draft got as far as that
    assert (sent.code, "id-conflict" in sent.err) == (1, True), sent.err
    role = run("sign", papers[-1], *words, "--also", also)
    assert role.code == 0, role.err
    again = run("import-report", seed_report, "--prepare", tmp_path / "papeles")
    assert (again.code, "no está vacía" in again.err) == (2, True)


def test_who_signs_an_address_or_a_telephone_in_the_open_is_warned(tmp_path: Path, demo: Built) -> None:
    paper = draft(tmp_path / "x.json", reason="Escriba a oficina@ejemplo.example o llame.")
    ran = sign_for(demo, paper, "copret", "institution")
    assert ran.code == 0
    assert "`reason` parece llevar un correo electrónico" in " ".join(ran.err.split())
    quiet = sign_for(demo, draft(tmp_path / "y.json", reason="Nada de eso, del 2014 2016."), "copret", "institution")
    assert "parece llevar" not in quiet.err


def test_what_is_no_draft_is_told_from_a_signed_note(tmp_path: Path, demo: Built) -> None:
    paper = tmp_path / "x.json"
    for content, says in (
        ("hola", "no es un borrador (JSON) ni una nota firmada"),
        ('{"kind": "CompletionReported", "level": "limited", "level": "complete"}', "“level” ×2"),
        ("[1]", "no es un borrador (JSON)"),
    ):
        paper.write_text(content)
        ran = sign_for(demo, paper, "copret", "institution")
        assert ran.code == 2
        assert says in ran.err


def test_an_example_that_nobody_filled_in_is_not_signed(tmp_path: Path, demo: Built) -> None:
    paper = tmp_path / "c.json"
    content = {"$content": {"text": "Escriba aquí su comentario"}}
    comment = {"kind": "CommentSubmitted", "plan": PLAN, "round": ROUND, "version": 1, "about": "whole"}
    paper.write_text(json.dumps(comment | {"salted_digest": content}))
    ran = run("sign", paper, "--key", demo.place / "keys" / "vecina-1.key", "--origin", demo.origin)
    assert ran.code == 2
    assert "texto de ejemplo" in ran.err


def test_a_private_file_is_not_sent(tmp_path: Path, demo: Built, url: str) -> None:
    paper = tmp_path / "c.json"
    content = {"$content": {"text": "Algo que decir."}}
    comment = {"kind": "CommentSubmitted", "plan": PLAN, "round": ROUND, "version": 1, "about": "whole"}
    paper.write_text(json.dumps(comment | {"salted_digest": content}))
    assert run("sign", paper, "--key", demo.place / "keys" / "vecina-1.key", "--origin", demo.origin).code == 0
    ran = run("submit", tmp_path / "c.private.json", "--to", url)
    assert ran.code == 2
    assert "es su archivo privado" in ran.err
    assert "c.submission.json" in ran.err


def test_a_role_that_there_is_not_is_answered_with_those_there_are(tmp_path: Path, demo: Built) -> None:
    ran = sign_for(demo, draft(tmp_path / "x.json"), "copret", "minfin")
    assert ran.code == 2
    assert "No hay ningún papel minfin" in ran.err
    assert "coordinator" in ran.err


def test_a_draft_that_would_be_refused_is_said_to_be_so_before_it_is_sent(tmp_path: Path, demo: Built) -> None:
    ran = sign_for(demo, draft(tmp_path / "x.json", level="medio"), "copret", "institution")
    assert ran.code == 1
    assert "así no se registraría" in ran.err


def test_a_body_without_a_role_is_told_to_give_one(tmp_path: Path, demo: Built) -> None:
    key = demo.place / "keys" / "copret.key"
    ran = run("sign", draft(tmp_path / "x.json"), "--key", key, "--origin", demo.origin, "--actor", "copret")
    assert ran.code == 2
    assert "--role" in ran.err


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/gt", "URL/../nada", "URL/nada"])
def test_an_address_without_a_ledger_is_an_error_of_its_own(
    tmp_path: Path, demo: Built, url: str, address: str
) -> None:
    note = _signed(tmp_path / "x.note", demo.origin, _key(demo, "copret"), "copret", "institution")

    ran = run("submit", note, "--to", address.replace("URL", url))

    assert ran.code == 2
    assert "dirección" in ran.err


# --- audit and verify ------------------------------------------------------------------------------------------------


def test_the_audit_of_a_folder_ends_with_0_and_says_what_is_unproven(other: Built) -> None:
    alone = run("audit", other.place, "--lang", "en")
    sure = run("audit", other.place / "public", *pinned(other))

    assert (alone.code, sure.code) == (0, 0)
    assert "self-consistent, origin unproven" in alone.out
    assert "--policy" in alone.err
    assert "Veredicto: verificado" in sure.out
    assert str(other.size) in sure.out
    assert "\x1b[" not in alone.out + alone.err


@contextmanager
def flipped(path: Path, needle: bytes) -> Generator[None]:
    """One bit of a file changed, at the place of `needle`, until the end of the block."""
    before = path.read_bytes()
    at = before.index(needle)
    path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
    try:
        yield
    finally:
        path.write_bytes(before)


def test_of_a_copy_with_a_folder_public_inside_its_own_files_are_audited(tmp_path: Path, demo: Built) -> None:
    copy = tmp_path / "copia"
    shutil.copytree(demo.place / "public", copy)
    shutil.copytree(demo.place / "public", copy / "public")
    bundle = next((copy / "tile" / "entries").glob("*.p/*"), None) or copy / "tile" / "entries" / "000"
    raw = bytearray(bundle.read_bytes())
    raw[100] ^= 1
    bundle.write_bytes(raw)
    ran = run("audit", copy, *pinned(demo), "--json")
    assert ran.code == 1
    assert "unknown-file" in {finding["kind"] for finding in ran.json["findings"]}


def test_the_example_beside_the_keys_of_a_demonstration_works_as_it_stands(tmp_path: Path) -> None:
    built = build(tmp_path / "demo")
    with serving(built.place) as address:
        explain_keys(built.place, built.origin, int(address.rsplit(":", 1)[1].partition("/")[0]))
        words = (built.place / "keys" / "README.txt").read_text("utf-8")
        script = "\n".join(re.findall(r"^(?:cd|constancia) .*$", words, re.MULTILINE))
        assert script.count("constancia ") == 7
        path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        ran = subprocess.run(
            ["sh", "-ec", script], env=environment(**path), capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Verificada." in ran.stdout


@pytest.mark.parametrize(
    ("below", "needle", "kind", "where"),
    [
        ("tile/entries", b"CommitmentRegistered", "entry-altered", "asiento"),
        ("tile/0", b"", "tile-altered", "tile/0/"),
        ("contents", b'"text":"', "", "contents/"),
        ("checkpoint", b"\n\n", "bad-checkpoint", "checkpoint"),
    ],
)
def test_one_changed_byte_ends_the_audit_with_1_and_is_named(
    other: Built, below: str, needle: bytes, kind: str, where: str
) -> None:
    public = other.place / "public"
    candidates = [public / below] if (public / below).is_file() else sorted((public / below).rglob("*"))
    # What the checkpoint needs is the widest; older partial files are looked at too, but are not the point here.
    path = max((each for each in candidates if each.is_file() and needle in each.read_bytes()), key=_size)

    with flipped(path, needle):
        ran = run("audit", other.place, *pinned(other))
        report = run("audit", other.place, *pinned(other), "--json").json

    assert ran.code == 1
    assert "se encontraron faltas" in ran.out
    assert where in ran.out
    assert report["verdict"] == "misbehaviour found"
    assert kind in {finding["kind"] for finding in report["findings"]} or not kind
    assert run("audit", other.place, *pinned(other)).code == 0


def _size(path: Path) -> int:
    return path.stat().st_size


def test_another_policy_or_founding_is_a_finding(demo: Built, other: Built) -> None:
    policy = run("audit", other.place, "--policy", demo.place / "public" / "policy", "--json")
    founding = run("audit", other.place, "--founding", demo.founding, "--json")

    assert (policy.code, founding.code) == (1, 1)
    assert "foreign-checkpoint" in {finding["kind"] for finding in policy.json["findings"]}
    assert "founding-differs" in {finding["kind"] for finding in founding.json["findings"]}


def test_the_state_at_an_earlier_size_can_be_asked_for(other: Built) -> None:
    now, then = run("audit", other.place, "--json"), run("audit", other.place, "--at", "100", "--json")

    assert (then.json["at"], then.json["size"]) == (100, other.size)
    assert then.json["digest"] != now.json["digest"]
    beyond = run("audit", other.place, "--at", str(other.size + 1))
    assert beyond.code == 2


def test_a_policy_that_is_none_is_said_to_be_none(tmp_path: Path, other: Built) -> None:
    (tmp_path / "p").write_text("hola")

    ran = run("audit", other.place, "--policy", tmp_path / "p")

    assert ran.code == 2
    assert "no es una política" in ran.err


def test_the_status_of_a_ledger_gives_what_can_be_pinned(other: Built) -> None:
    told = run("status", other.place, "--json").json

    assert (told["origin"], told["size"], told["founding"]) == (other.origin, other.size, other.founding)
    assert told["log_keys"][0] in (other.place / "public" / "policy").read_text()
    assert other.founding in run("status", other.place).out


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory, demo: Built, url: str) -> Path:
    folder = tmp_path_factory.mktemp("constancia")
    minfin = _key(demo, "minfin"), "minfin", "institution"
    note = _signed(folder / "r.note", demo.origin, *minfin, subject="gt-2014-2016/G5", reason="Está publicado.")
    sent = run("submit", note, "--to", url, "--json")
    assert sent.code == 0, sent.err
    return folder / "r.tlog-proof"


def _as_it_is(raw: bytes) -> bytes:
    return raw


def _another_index(raw: bytes) -> bytes:
    return raw.replace(b"\nindex ", b"\nindex 1")


def _cut_off(raw: bytes) -> bytes:
    return raw[:-20]


def _another_hash(raw: bytes) -> bytes:
    return raw.replace(b"A", b"B", 1)


def _without_padding(raw: bytes) -> bytes:
    return raw.replace(b"=", b"", 1)


def _nothing(raw: bytes) -> bytes:
    return b""


def _noise(raw: bytes) -> bytes:
    return b"\x00\xff" + raw


@pytest.mark.parametrize(
    ("bend", "code", "says"),
    [
        (_as_it_is, 0, "Verificada"),
        (_another_index, 1, "NO SE VERIFICA"),
        (_cut_off, 1, "NO SE VERIFICA"),
        (_another_hash, 1, "NO SE VERIFICA"),
        (_without_padding, 1, "NO SE VERIFICA"),
        (_nothing, 2, "el archivo está vacío"),
        (_noise, 2, "no es una constancia"),
    ],
)
def test_a_receipt_is_checked_offline(
    tmp_path: Path, demo: Built, receipt: Path, bend: Callable[[bytes], bytes], code: int, says: str
) -> None:
    (tmp_path / "r").write_bytes(bend(receipt.read_bytes()))

    ran = run("verify", tmp_path / "r", "--policy", demo.place / "public" / "policy")

    assert ran.code == code, ran
    assert says in ran.out + ran.err


def test_a_receipt_under_another_policy_does_not_verify(demo: Built, other: Built, receipt: Path) -> None:
    ran = run("verify", receipt, "--policy", other.place / "public" / "policy", "--json")

    assert ran.code == 1
    assert (ran.json["verified"], ran.json["kind"]) == (False, "foreign-checkpoint")
    assert run("verify", receipt, "--ledger-key", "nada").code == 2
    assert demo.origin in receipt.read_text()


# --- demo, serve, init -----------------------------------------------------------------------------------------------


def test_a_demonstration_ends_with_its_figures_its_verdict_and_the_next_step(tmp_path: Path) -> None:
    ran = run("demo", "--no-serve", cwd=tmp_path)

    assert ran.code == 0, ran.err
    place = tmp_path / "constancia-demo"
    lines = ran.out.split("\n")
    figures = "\n".join(lines)
    for said in (
        "28 completos, 15 sustanciales, 5 limitados   (48)",
        "3 completos, 1 sustancial, 2 limitados   (6)",
        "28 completos, 14 sustanciales, 6 limitados",
        "No coinciden: sustanciales, afirma 14 y sus tablas dan 15; limitados, afirma 6 y sus tablas dan 5.",
        "0 faltas",
        "Veredicto: verificado",
        "demo-",
    ):
        assert said in figures
    assert {path.name for path in place.iterdir()} >= {"public", "keys", "journal.db", "vault.db", "constancia.toml"}

    again = run("demo", "--no-serve", "--json", "--lang", "en", cwd=tmp_path)
    assert again.code == 0
    assert "it is used" in again.err
    assert (again.json["fresh"], again.json["claim_differs"], again.json["verdict"]) == (False, True, "verified")
    assert again.json["tally"] == {"complete": 28, "substantial": 15, "limited": 5}
    assert again.json["others"] == {"gt-2016-2018": {"complete": 3, "substantial": 1, "limited": 2}}


def test_a_demonstration_does_not_touch_a_folder_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "carta.txt").write_text("hola")

    ran = run("demo", "--dir", tmp_path, "--no-serve")

    assert ran.code == 2
    assert "--dir" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["carta.txt"]


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_port_in_use_is_named_with_a_way_out(tmp_path: Path, other: Built, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = tmp_path / "nuevo" if command == "demo" else other.place

        ran = run(command, "--dir", place, "--port", str(port))

    assert ran.code == 2
    assert str(port) in ran.err
    assert "--port" in ran.err
    assert not (tmp_path / "nuevo").exists()


def _from_an_old_backup(place: Path) -> None:
    with closing(Journal.open(place / "journal.db", create=False)) as journal:
        rows = list(journal.rows(0, journal.size - 2))
    (place / "journal.db").unlink()
    tree = Frontier()
    for row in rows:
        tree.append(row.leaf)
    with closing(Journal.open(place / "journal.db", create=True)) as journal:
        journal.append(rows, tree.root())


def _with_another_head(place: Path) -> None:
    (place / "public" / "head").write_bytes(b"nada\n")


def _without_its_vault(place: Path) -> None:
    (place / "vault.db").unlink()


@pytest.mark.parametrize(
    ("spoil", "es", "en"),
    [
        (_from_an_old_backup, ("faltan los asientos", "copia de respaldo"), ("missing", "An old backup was restored")),
        (_with_another_head, ("no es una cabeza que este registro firmó", "espejo"), ("not a head", "mirror")),
        (_without_its_vault, ("no hay ninguna bóveda", "Recupérela"), ("there is no vault", "Restore it")),
    ],
)
def test_a_ledger_that_must_not_go_on_says_why_in_the_operators_language(
    tmp_path: Path, other: Built, spoil: Callable[[Path], None], es: tuple[str, str], en: tuple[str, str]
) -> None:
    place = tmp_path / "copia"
    shutil.copytree(other.place, place)
    spoil(place)

    for words, said in (((), es), (("--lang", "en"), en)):
        ran = run("serve", "--dir", place, "--port", "0", *words)
        assert (ran.code, ran.out) == (2, "")
        what, next_step = ran.err.splitlines()
        assert said[0] in what
        assert said[1] in next_step


def test_a_second_writer_is_told_who_has_the_ledger_in_both_languages(tmp_path: Path, other: Built) -> None:
    place = tmp_path / "copia"
    shutil.copytree(other.place, place)

    with closing(Journal.open(place / "journal.db", create=False)):
        spanish = run("serve", "--dir", place, "--port", "0")
        english = run("serve", "--dir", place, "--port", "0", "--lang", "en")

    assert (spanish.code, english.code) == (2, 2)
    assert f"otro proceso ya escribe en este registro (proceso {os.getpid()})" in spanish.err
    assert "detenga el otro" in spanish.err
    assert f"another writer has this ledger (process {os.getpid()})" in english.err
    assert "stop the other one" in english.err


def test_a_ledger_that_was_silent_for_long_starts_when_its_operator_confirms_the_clock(tmp_path: Path) -> None:
    place = tmp_path / "registro"
    put_on_disk(founded_lately(ago_ms=402 * 86_400_000 + 43_200_000), place)

    spanish = run("serve", "--dir", place, "--port", "0")
    english = run("serve", "--dir", place, "--port", "0", "--lang", "en")

    assert (spanish.code, english.code) == (2, 2)
    assert "el último asiento es de hace 402 días" in spanish.err
    assert "402 days after the last entry" in english.err
    assert "serve --accept-time" in spanish.err
    with serving(place, words=("--accept-time",)) as address:
        assert fetch(address + "/checkpoint")


def _registrars(folder: Path) -> dict[str, str]:
    public: dict[str, str] = {}
    for name in ("icefi", "guatecivica", "copret", "salva-1", "salva-2"):
        public[name] = public_hex(make_key_file(folder / f"{name}.key", None))
    return public


def _named(keys: Mapping[str, str]) -> list[str]:
    words: list[str] = []
    for name, form in (("icefi", "organisation"), ("guatecivica", "organisation"), ("copret", "institution")):
        words += ["--registrar", f"{name}:{form}:{keys[name]}:{name.upper()}"]
    return words


def test_a_ledger_is_founded_at_once_with_everybodys_keys(tmp_path: Path) -> None:
    public = _registrars(tmp_path)
    files = {name: str(tmp_path / f"{name}.key") for name in public}
    spare = ["--recovery", public["salva-1"], "--recovery", public["salva-2"]]

    ran = run("init", tmp_path / "gt", "--origin", "constancia.example/gt", *_named(files), *spare, "--json")

    assert ran.code == 0, ran.err
    audited = run("audit", tmp_path / "gt", "--founding", ran.json["founding"], "--json")
    assert (audited.code, audited.json["counts"]["entries"], audited.json["purpose"]) == (0, 1, "record")
    with serving(tmp_path / "gt") as address:
        assert run("audit", address).code == 0
        assert fetch(address + "/checkpoint").startswith(b"constancia.example/gt\n1\n")
    demo = run("demo", "--dir", tmp_path / "gt", "--no-serve")
    assert (demo.code, "registro de verdad" in demo.err) == (2, True)
    twice = run("init", tmp_path / "gt", "--origin", "constancia.example/gt", *_named(files), *spare)
    assert (twice.code, "ya está fundado" in twice.err) == (2, True)


def test_a_ledger_is_founded_by_registrars_who_each_keep_their_key(tmp_path: Path) -> None:
    public = _registrars(tmp_path)
    place = tmp_path / "gt"
    spare = ["--recovery", public["salva-1"], "--recovery", public["salva-2"]]
    assert run("init", place, "--origin", "constancia.example/gt").code == 0
    assert run("serve", "--dir", place, "--port", "0").code == 2

    made = run("init", place, *_named(public), *spare, "--json")
    assert made.code == 0, made.err
    assert made.json["missing"] == ["icefi", "guatecivica", "copret"]

    first = run("sign", made.json["to_sign"], "--key", tmp_path / "icefi.key", "--origin", "constancia.example/gt",
                "--actor", "icefi", "--role", "registrar")  # fmt: skip
    assert first.code == 0, first.err
    note = place / "founding.note"
    early = run("init", place, "--founding", note)
    assert (early.code, "guatecivica, copret" in early.err) == (2, True)
    for name in ("guatecivica", "copret"):
        assert run("sign", note, "--key", tmp_path / f"{name}.key").code == 0

    founded = run("init", place, "--founding", note)
    assert founded.code == 0, founded.err
    assert run("audit", place).code == 0


def test_a_ledger_has_witnesses_from_its_first_entry_on(tmp_path: Path) -> None:
    public = _registrars(tmp_path)
    files = {name: str(tmp_path / f"{name}.key") for name in public}
    spare = ["--recovery", public["salva-1"], "--recovery", public["salva-2"]]
    place, origin, policy = tmp_path / "gt", "constancia.example/gt", tmp_path / "policy"
    with Peer(lambda connection, closing: watching[0](connection, closing)) as peer:
        watching: list[Behave] = [hang]
        policy.write_bytes(b"# one\n" + policy_of("", {"uno": (verifier_of("uno"), peer.url)}, "quorum uno")[5:])
        ran = run("init", place, "--origin", origin, *_named(files), *spare, "--policy", policy, "--json")
        assert ran.code == 0, ran.err
        vkey = ran.json["ledger_key"]
        witness = InMemory("uno", vkey)
        watching[0] = witness.behave
        assert (place / "public" / "policy").read_bytes() == f"log {vkey}\n".encode() + policy.read_bytes()
        # Founded, and seen by nobody yet.
        assert not (place / "public" / "checkpoint").exists()
        told = run("status", place, "--json").json
        assert (told["size"], told["checkpoint_size"], told["witnesses"][0]["cosigned_at"]) == (1, 0, None)
        with serving(place) as address:
            until(lambda: (place / "public" / "checkpoint").exists())
            for where in (str(place), address):
                said = run("status", where, "--lang", "en").out
                assert "uno.example/w: 1 entries, 20" in said
            pinned = tmp_path / "pinned"
            pinned.write_bytes((place / "public" / "policy").read_bytes())
            assert run("audit", address, "--policy", pinned, "--founding", ran.json["founding"]).code == 0
            # A statement: what its signer keeps is what witnesses have cosigned.
            sent = _actor_registered(tmp_path, public, "primera")
            done = run("submit", sent, "--to", address, "--json")
            assert (done.code, done.json["provisional"]) == (0, False), done.err
            assert run("verify", done.json["receipt"], "--policy", pinned).code == 0
            # And while the witness is silent, a provisional receipt, which says so.
            witness.mute = True
            sent = _actor_registered(tmp_path, public, "segunda")
            done = run("submit", sent, "--to", address, "--lang", "en")
            assert done.code == 0
            assert "The receipt is provisional" in done.err
            late = run("verify", sent.with_suffix(".tlog-proof"), "--policy", pinned)
            assert (late.code, "Es provisional" in late.out) == (1, True)
            assert run("verify", sent.with_suffix(".tlog-proof"), "--ledger-key", vkey).code == 0
            until(lambda: "silent since" in run("status", place, "--lang", "en").out)


def _actor_registered(folder: Path, public: Mapping[str, str], slug: str) -> Path:
    """The signed note in which two registrars register a body."""
    names = ("icefi", "copret")
    keys = [read_key_file(folder / f"{name}.key", lambda _: b"") for name in names]
    by = [{"actor": name, "key": public[name], "role": "registrar"} for name in names]
    draft = {"kind": "ActorRegistered", "actor": slug, "form": "organisation", "name": slug}
    signed = sign_draft(draft, "constancia.example/gt", keys, by=by, now_ms=time.time_ns() // 1_000_000)
    path = folder / f"{slug}.note"
    path.write_bytes(signed.note)
    return path


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (f"log {log_vkey('constancia.example/gt')}\nquorum none\n", "ya nombra un registro"),
        ("quorum q\n", "no es una política"),
        ("quorum none", "no es una política"),
    ],
)
def test_a_policy_that_does_not_fit_makes_no_folder(tmp_path: Path, raw: str, says: str) -> None:
    (tmp_path / "policy").write_text(raw)
    ran = run("init", tmp_path / "gt", "--origin", "constancia.example/gt", "--policy", tmp_path / "policy")
    assert (ran.code, says in ran.err) == (2, True)
    assert not (tmp_path / "gt").exists()


def test_a_folder_that_is_there_gets_its_policy_by_hand(tmp_path: Path) -> None:
    assert run("init", tmp_path / "gt", "--origin", "constancia.example/gt").code == 0
    (tmp_path / "policy").write_text("quorum none\n")
    ran = run("init", tmp_path / "gt", "--policy", tmp_path / "policy")
    assert (ran.code, 'policy = "policy"' in ran.err) == (2, True)


def test_the_example_of_a_policy_is_one() -> None:
    raw = (ROOT / "deploy" / "policy.example").read_bytes()
    vkey = log_vkey("constancia.example/gt")
    policy = open_policy(f"log {vkey}\n".encode() + raw, "constancia.example/gt", [vkey], "policy.example")
    assert [each.name for each in policy.witnesses] == [b"civil-1", b"civil-2", b"civil-3", b"estado-1", b"estado-2"]
    assert policy.is_quorum([b"civil-1", b"civil-3", b"estado-2"])
    assert not policy.is_quorum([b"civil-1", b"civil-2", b"civil-3"])
    assert not policy.is_quorum([b"civil-1", b"estado-1", b"estado-2"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--registrar", "icefi:organisation:" + "ab" * 32], "hacen falta tres"),
        (["--registrar", "icefi"], "CUERPO:FORMA:LLAVE"),
        (["--registrar", "icefi:partido:" + "ab" * 32], "FORMA"),
        (["--registrar", "icefi:organisation:nada"], "no es una llave pública"),
        (["--recovery", "nada"], "no es una llave pública"),
    ],
)
def test_a_founding_that_cannot_be_makes_no_folder(tmp_path: Path, words: list[str], says: str) -> None:
    ran = run("init", tmp_path / "gt", "--origin", "constancia.example/gt", *words)

    assert ran.code == 2
    assert says in ran.err
    assert not (tmp_path / "gt").exists()


# --- the printed report ----------------------------------------------------------------------------------------------


def test_a_report_is_read_as_json_with_its_report(seed_report: Path) -> None:
    ran = run("import-report", seed_report, "--json")

    assert ran.code == 0
    assert set(ran.json) == {"statements", "report"}
    kinds = [one["kind"] for one in ran.json["statements"]]
    assert kinds.count("CommitmentRegistered") == 48
    assert kinds[0] == "PlanRegistered"


def test_a_file_that_is_no_report_is_said_to_be_none(tmp_path: Path) -> None:
    for name, raw in (
        ("vacio", b""),
        ("binario", b"\0\1\2"),
        ("carta", b"Estimada se\xc3\xb1ora:\n"),
        ("zip", b"PK\3\4x"),
    ):
        (tmp_path / name).write_bytes(raw)
        ran = run("import-report", tmp_path / name)
        assert (ran.code, ran.out) == (2, ""), name
        assert "no es un informe" in ran.err
        assert "expected" not in ran.err.lower()
        assert "the file" not in ran.err


def test_submitting_a_report_needs_an_address_and_a_key(seed_report: Path) -> None:
    ran = run("import-report", seed_report, "--submit", "-q")

    assert ran.code == 2
    assert "--to" in ran.err


@pytest.fixture
def empty(tmp_path: Path, seed_report: Path) -> Path:
    """A ledger with the roster that the report needs, and nothing of the report: `build` without its drafts."""
    place = tmp_path / "gt"
    build(place, printed=False)
    return place


def _registered(place: Path) -> list[str]:
    """Kind and item of every printed statement in the journal of a folder that nobody serves."""
    from contextlib import closing

    from ledger.journal import Journal

    found: list[str] = []
    with closing(Journal.open(place / "journal.db", create=False)) as journal:
        for entry in journal.read(0, journal.size):
            line = json.loads(entry.split(b"\n")[2])
            if "printed" in line:
                found.append(f"{line['kind']}/{line['printed']['item']}")
    return found


@pytest.mark.slow
def test_an_import_that_is_killed_goes_on_where_it_was_and_registers_nothing_twice(
    tmp_path: Path, empty: Path, seed_report: Path
) -> None:
    drafted = len(run("import-report", seed_report, "--json").json["statements"])
    key = empty / "keys" / "importador.key"

    def begin(address: str) -> subprocess.Popen[bytes]:
        words = ["import-report", seed_report, "--submit", "--to", address, "--key", key, "-q"]
        return subprocess.Popen([COMMAND, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=environment())  # fmt: skip

    # The importer is killed, then the server itself, each in the middle.
    with serving(empty) as address:
        importer = begin(address)
        _wait_for(address, 100)
        importer.kill()
        importer.wait(30)
    server = subprocess.Popen([COMMAND, "serve", "--dir", empty, "--port", "0"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, env=environment())  # fmt: skip
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found
    importer = begin(found[0].rstrip("/"))
    _wait_for(found[0].rstrip("/"), 250)
    server.kill()
    server.wait(30)
    server.stdout.close()
    assert importer.wait(60) == 2, "a server that went away could not be asked"
    half = _registered(empty)
    assert 0 < len(half) < drafted

    with serving(empty) as address:
        last = run("import-report", seed_report, "--submit", "--to", address, "--key", key, "-q")
        again = run("import-report", seed_report, "--submit", "--to", address, "--key", key, "-q")
        assert (last.code, again.code) == (0, 0), last
        assert f"0 registradas ahora, {drafted} ya lo estaban, 0 sin registrar" in again.out
        assert run("audit", address).code == 0

    whole = _registered(empty)
    assert len(whole) == len(set(whole)) == drafted
    assert whole[: len(half)] == half


def _wait_for(address: str, size: int) -> None:
    """Until so many statements are published."""
    deadline = time.monotonic() + 60
    while int(fetch(address + "/checkpoint").split(b"\n")[1]) < size:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_key_that_may_not_import_is_told_so_at_the_first_statement(
    tmp_path: Path, empty: Path, seed_report: Path
) -> None:
    with serving(empty) as address:
        ran = run("import-report", seed_report, "--submit", "--to", address, "--key",
                  empty / "keys" / f"{MODERATOR}.key", "-q", "--actor", MODERATOR)  # fmt: skip

    assert ran.code == 1
    assert "role-scope" in ran.err
    assert _registered(empty) == []
