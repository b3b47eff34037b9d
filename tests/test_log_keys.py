"""The log's key gives way to the next: the writer, its folder and its files; what auditors say; who stole the old one.

The writer is the real one on real files, and the last test is the command, a server and the two registrars.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import world as w
from second_writer import Files, publish
from service import Served, founded_lately, put_on_disk
from town import Town
from world import ORIGIN, REGISTRARS, key_of, public

from api.keyfiles import make_key_file, public_hex, read_key_file
from api.log_keys import read_log_keys, take_up_next
from ledger import log as module
from ledger.errors import CannotRun, Misbehaviour, Refused
from ledger.log import Clock, Log
from ledger.published import Folder
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.tlog.errors import Unverified
from ledger.tlog.merkle import leaf_hash, root_of
from ledger.tlog.note import ED25519, format_vkey, parse_note, parse_vkey
from ledger.tlog.policy import Policy
from ledger.verify import verify_receipt
from projections.audit import audit
from projections.findings import Report

WAIT = 30
OLD, NEW, THIRD = (format_vkey(ORIGIN, ED25519, bytes(key_of(name).verify_key)) for name in ("log", "log-2", "log-3"))


class Place:
    """A ledger on disk, with a clock that stands still at the world's time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public = folder / "public"
        self.world = w.found()
        self.count = 0

    def open(self, key: str = "log", following: str | None = "log-2", **options: Any) -> Log:
        clock = Clock(wall_ms=lambda: self.world.now_ms, monotonic=lambda: self.world.now_ms / 1000)
        return Log.open(
            ORIGIN,
            journal=self.folder / "journal.db",
            published=self.public,
            log_key=key_of(key),
            next_key=key_of(following) if following else None,
            clock=clock,
            **options,
        )

    def founded(self, **options: Any) -> Log:
        log = self.open(create=True, **options)
        for answer in [log.register(entry.opened.note) for entry in self.world.entries]:
            answer.result(WAIT)
        return log

    def axis(self) -> bytes:
        self.count += 1
        return self.world.sign("AxisDefined", "copret:coordinator", axis=f"eje-{self.count}", title="Eje")

    def rotation(self, old: str = "log", new: str = "log-2") -> bytes:
        return self.world.sign("LogKeyRotated", *REGISTRARS, old=public(old), new=public(new))

    def names(self) -> list[str]:
        """The keys that the folder's own files name; both say the same."""
        policy = (self.public / "policy").read_text().splitlines()
        assert policy[-1] == "quorum none"
        said = json.loads((self.public / "ledger.json").read_bytes())["log_keys"]
        assert [f"log {vkey}" for vkey in said] == policy[:-1]
        return said

    def audit(self, *vkeys: str, **options: Any) -> Report:
        founding = self.world.entries[0].opened.identity
        policy = Policy.from_log_key(*vkeys)
        return audit(Folder(self.public), policy=policy, founding=founding, workers=1, **options)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def signers(note: bytes) -> list[str]:
    """Whose lines a head has, in order; each verifies."""
    known = {parse_vkey(vkey).key_id: vkey for vkey in (OLD, NEW, THIRD)}
    found = [known[line.key_id] for line in parse_note(note).lines]
    for vkey in found:
        open_checkpoint(note, [parse_vkey(vkey)])
    return found


def kinds(report: Report) -> list[str]:
    return [finding.kind for finding in report.findings]


# --- the writer


def test_from_the_rotation_on_heads_are_signed_with_the_new_key(place: Place) -> None:
    with place.founded() as log:
        assert signers(log.checkpoint()) == [OLD]
        assert (log.vkey, place.names()) == (OLD, [OLD])
        rotated = log.register(place.rotation()).result(WAIT)
        assert signers(log.checkpoint()) == [OLD, NEW]  # whoever pinned either can follow
        assert (log.vkey, place.names()) == (NEW, [OLD, NEW])
        log.register(place.axis()).result(WAIT)
        assert signers(log.checkpoint()) == [NEW]
        receipt = log.receipt(rotated.index)
    assert verify_receipt(receipt, Policy.from_log_key(OLD, NEW)).log_keys == (public("log-2"),)
    with pytest.raises(Misbehaviour, match="no trusted key"):
        verify_receipt(receipt, Policy.from_log_key(OLD))
    assert place.audit(OLD, NEW).verdict == place.audit(NEW).verdict == "verified"


def test_a_key_that_the_log_does_not_hold_never_becomes_its_key(place: Place) -> None:
    with place.founded(following=None) as log:
        before = log.size
        with pytest.raises(Refused, match="constancia log-key new") as caught:
            log.register(place.rotation()).result(WAIT)
        assert (caught.value.code, caught.value.rule, log.size) == ("state", "LogKeyRotated", before)
        log.register(place.axis()).result(WAIT)


def rotated(place: Place) -> int:
    """Rotate the key, and say one thing more; the index of the rotation."""
    with place.founded() as log:
        index = log.register(place.rotation()).result(WAIT).index
        log.register(place.axis()).result(WAIT)
    return index


@pytest.mark.parametrize(
    ("key", "following"), [("log", "log-2"), ("log-2", None), ("log-2", "log"), ("log-2", "log-3")]
)
def test_after_it_the_log_opens_with_the_new_key_wherever_it_stands(
    place: Place, key: str, following: str | None
) -> None:
    rotated(place)
    with place.open(key, following) as log:
        assert log.vkey == NEW
        log.register(place.axis()).result(WAIT)
        assert signers(log.checkpoint()) == [NEW]
    assert place.names() == [OLD, NEW]


@pytest.mark.parametrize("following", [None, "log-3"])
def test_without_the_key_in_force_nothing_is_written(place: Place, following: str | None) -> None:
    index = rotated(place)
    before = {path: Folder(place.public).read(path) for path in Folder(place.public).paths()}
    with pytest.raises(CannotRun, match="not the log key") as stopped:
        place.open("log", following)
    assert NEW in stopped.value.detail
    assert f"entry {index}" in stopped.value.detail
    assert "keys/log" in stopped.value.advice
    assert {path: Folder(place.public).read(path) for path in Folder(place.public).paths()} == before


def test_the_key_rotates_again(place: Place) -> None:
    first = rotated(place)
    with place.open("log-2", "log-3") as log:
        second = log.register(place.rotation("log-2", "log-3")).result(WAIT).index
        assert signers(log.checkpoint()) == [NEW, THIRD]
    assert place.names() == [OLD, NEW, THIRD]
    assert first < second
    assert place.audit(THIRD).verdict == "verified"


def stopped_before_the_swap(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rotation is in the journal, and a full disk kept its head from being published."""
    log = place.founded()
    full = CannotRun("Lleno.", "The disk is full.", "Haga lugar.", "Make room.")

    def swap(*_: object, **__: object) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(log.folder, "swap_head", swap)
        with pytest.raises(CannotRun, match="disk is full"):
            log.register(place.rotation()).result(WAIT)
        log.close()
    assert signers((place.public / "head").read_bytes()) == [OLD]
    assert place.names() == [OLD]


@pytest.mark.parametrize(("key", "following", "lines"), [("log", "log-2", [OLD, NEW]), ("log-2", None, [NEW])])
def test_killed_between_journal_and_head_the_next_start_signs_with_the_new_key(
    place: Place, monkeypatch: pytest.MonkeyPatch, key: str, following: str | None, lines: list[str]
) -> None:
    stopped_before_the_swap(place, monkeypatch)
    with place.open(key, following) as log:
        assert signers(log.checkpoint()) == lines
    assert place.names() == [OLD, NEW]
    assert place.audit(NEW).verdict == "verified"


def test_with_the_old_key_alone_an_unpublished_rotation_is_not_passed_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_before_the_swap(place, monkeypatch)
    with pytest.raises(CannotRun, match="not the log key"):
        place.open("log", None)
    assert signers((place.public / "head").read_bytes()) == [OLD]


def test_killed_before_its_own_files_are_written_they_name_the_new_key_at_the_next_start(place: Place) -> None:
    rotated(place)
    for name in ("policy", "ledger.json"):
        content = (place.public / name).read_text().replace(f"log {NEW}\n", "").replace(f',"{NEW}"', "")
        (place.public / name).write_text(content)
    assert place.names() == [OLD]
    place.open("log-2", None).close()
    assert place.names() == [OLD, NEW]


def test_a_lost_folder_is_published_anew_without_the_old_key(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    index = rotated(place)
    monkeypatch.setattr(module, "CATCH_UP", 8)
    signed: list[Checkpoint] = []

    def noting(checkpoint: Checkpoint, *keys: Any) -> bytes:
        signed.append(checkpoint)
        return sign_checkpoint(checkpoint, *keys)

    monkeypatch.setattr("ledger.own_keys.sign_checkpoint", noting)
    place.public.rename(place.folder / "lost")
    place.open("log-2", None).close()
    assert all(each.size > index for each in signed)  # no head that the old key should have signed
    assert place.audit(NEW).verdict == "verified"


def test_another_ledgers_key_is_refused_before_the_founding_too(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.open(create=True).close()
    with pytest.raises(CannotRun, match="not the log key"):
        place.open("another", None)


# --- the auditor, on what the writer published


def test_a_reader_with_the_old_key_is_told_which_one_to_pin(place: Place) -> None:
    with place.founded() as log:
        index = log.register(place.rotation()).result(WAIT).index
    report = place.audit(OLD)
    (told,) = [one for one in report.remarks if one.kind == "log-key-rotated"]
    assert (report.findings, report.verdict) == ([], "verified")
    for sentence in (told.es, told.en):
        assert f" {index}" in sentence
        assert NEW in sentence
    for vkeys in ((NEW,), (OLD, NEW)):
        assert [one.kind for one in place.audit(*vkeys).remarks if one.kind == "log-key-rotated"] == []


def test_once_only_the_new_key_signs_the_old_pin_is_anothers_and_the_reader_is_told_whom_to_ask(place: Place) -> None:
    rotated(place)
    report = place.audit(OLD)
    assert kinds(report) == ["foreign-checkpoint"]
    (told,) = [one for one in report.remarks if one.kind == "log-key-unpinned"]
    assert NEW in told.es
    assert NEW in told.en
    # A stranger's key next to one that was never pinned gets no such hint.
    (place.public / "policy").write_text(f"log {NEW}\nquorum none\n")
    assert [one.kind for one in place.audit(OLD).remarks] == []


def test_a_reader_with_the_new_key_alone_is_not_told_of_a_foreign_ledger(place: Place) -> None:
    with place.founded() as log:
        before = log.checkpoint()
        log.register(place.rotation()).result(WAIT)
        log.register(place.axis()).result(WAIT)
    report = place.audit(NEW, seen=[before])
    assert (report.findings, report.verdict, report.counts.heads) == ([], "verified", 3)
    # Another tree under the old key is a fork all the same, and a head by nobody's key stays a stranger's.
    size = parse_checkpoint(before).checkpoint.size
    forked = sign_checkpoint(Checkpoint(ORIGIN, size, b"f" * 32), key_of("log"))
    assert kinds(place.audit(NEW, seen=[forked])) == ["fork"]
    stranger = sign_checkpoint(Checkpoint(ORIGIN, size, b"f" * 32), key_of("nobody"))
    assert kinds(place.audit(NEW, seen=[stranger])) == ["foreign-checkpoint"]


def test_without_a_policy_the_ledgers_own_one_names_both(place: Place) -> None:
    rotated(place)
    report = audit(Folder(place.public), workers=1)
    assert (report.findings, report.verdict) == ([], "self-consistent, origin unproven")


def test_heads_from_before_and_after_the_rotation_are_of_one_tree(place: Place) -> None:
    with place.founded() as log:
        before = log.checkpoint()
        log.register(place.rotation()).result(WAIT)
        at = log.checkpoint()
        log.register(place.axis()).result(WAIT)
    report = place.audit(OLD, NEW, seen=[before, at])
    assert (report.findings, report.counts.heads) == ([], 4)


# --- lies


class Rotated(Town):
    """A town whose log key was rotated at `index`, some entries before the end."""

    def __init__(self) -> None:
        super().__init__(comments=3)
        self.index = self.world.say("LogKeyRotated", *REGISTRARS, old=public("log"), new=public("log-2")).index
        self.comment("vecina-9", "Después.")
        self.files = self.published("log-2")

    def published(self, key: str) -> Files:
        files = publish(ORIGIN, self.world.leaves(), key_of("log"))
        files["checkpoint"] = files["head"] = self.head(len(self.world.entries), key)
        files["policy"] = "".join([*(f"log {vkey}\n" for vkey in (OLD, NEW)), "quorum none\n"]).encode()
        files["ledger.json"] = files["ledger.json"].replace(f'"{OLD}"'.encode(), f'"{OLD}","{NEW}"'.encode())
        files.update({path: raw for path, raw in self.files.items() if path.startswith("contents/")})
        return files

    def head(self, size: int, *keys: str) -> bytes:
        leaves = [leaf_hash(entry) for entry in self.world.leaves()[:size]]
        return sign_checkpoint(Checkpoint(ORIGIN, size, root_of(leaves)), *[key_of(key) for key in keys])

    @property
    def policy(self) -> Policy:
        return Policy.from_log_key(OLD, NEW)


@pytest.fixture(scope="module")
def town() -> Rotated:
    made = Rotated()
    made.publish_again()  # its contents
    made.files = made.published("log-2")
    return made


def place_of(report: Report) -> tuple[str, int | None, str | None]:
    (finding,) = report.findings
    return finding.kind, finding.index, finding.path


def test_a_stolen_key_signs_no_head_after_its_time(town: Rotated) -> None:
    assert town.audit().verdict == "verified"
    found = {(finding.kind, finding.index, finding.path) for finding in town.audit(town.published("log")).findings}
    assert found == {("log-key", town.index, path) for path in ("checkpoint", "head")}


def test_the_head_that_covers_the_rotation_is_the_first_that_needs_the_new_key(town: Rotated) -> None:
    last, first = town.head(town.index, "log"), town.head(town.index + 1, "log")
    assert town.audit(seen=[last]).findings == []
    assert place_of(town.audit(seen=[first])) == ("log-key", town.index, "the head kept from earlier (1)")
    assert town.audit(seen=[town.head(town.index + 1, "log", "log-2")]).findings == []


def test_a_new_key_signs_no_head_before_its_time(town: Rotated) -> None:
    early = town.head(town.index, "log-2")
    assert place_of(town.audit(seen=[early])) == ("log-key", town.index, "the head kept from earlier (1)")


def test_the_newest_head_and_cosigned_ones_are_looked_at_too(town: Rotated) -> None:
    files = town.files.copy()
    files["head"] = town.head(len(town.world.entries), "log")
    assert place_of(town.audit(files)) == ("log-key", town.index, "head")
    files = town.files.copy()
    stolen = town.head(town.index + 1, "log")
    files["checkpoints/2026-02-16"] = len(stolen).to_bytes(4, "big") + stolen
    assert place_of(town.audit(files)) == ("log-key", town.index, "checkpoints/2026-02-16")


def test_a_pinned_key_that_the_ledger_never_named_is_found(town: Rotated) -> None:
    files = town.published("log-3")
    report = audit(files, policy=Policy.from_log_key(THIRD), founding=town.founding, workers=1)
    assert {(finding.kind, finding.index) for finding in report.findings} == {("log-key", None)}


@pytest.mark.parametrize(("path", "kind"), [("policy", "bad-policy-file"), ("ledger.json", "bad-ledger-file")])
def test_the_own_files_name_no_key_that_no_entry_names(town: Rotated, path: str, kind: str) -> None:
    files = town.files.copy()
    files[path] = files[path].replace(NEW.encode(), THIRD.encode())
    assert place_of(town.audit(files)) == (kind, None, path)


def test_another_reader_in_another_language_says_the_same_of_keys_out_of_force(town: Rotated, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the independent verifier is not run (install the package `nodejs`)")
    policy = tmp_path / "policy"
    for key, code in (("log-2", 0), ("log", 1)):
        public = tmp_path / key
        for path, raw in town.published(key).items():
            (public / path).parent.mkdir(parents=True, exist_ok=True)
            (public / path).write_bytes(raw)
        policy.write_bytes(town.files["policy"])
        command = [node, Path(__file__).parent / "independent_verifier.mjs", public, policy, town.founding]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == code, ran.stderr
        assert ("the log key in force did not sign" in ran.stderr) == bool(code)


def test_a_second_tree_under_the_stolen_key_is_a_fork_and_a_log_key(town: Rotated) -> None:
    size = len(town.world.entries)
    other = sign_checkpoint(Checkpoint(ORIGIN, size, b"\x07" * 32), key_of("log"))
    assert sorted(kinds(town.audit(seen=[other]))) == ["fork", "log-key"]


def test_a_line_of_the_new_key_that_fails_is_no_line(town: Rotated) -> None:
    size = len(town.world.entries)
    text, _, lines = town.head(size, "log", "log-2").rpartition(b"\n\n")
    old, new, _ = lines.split(b"\n")
    wrong = town.head(town.index, "log-2").rstrip(b"\n").split(b"\n")[-1]
    forged = b"\n".join([text + b"\n", old, wrong, b""])
    with pytest.raises(Unverified):
        open_checkpoint(forged, [parse_vkey(NEW)])
    assert new != wrong
    files = town.files.copy()
    files["checkpoint"] = files["head"] = forged
    report = town.audit(files, policy=Policy.from_log_key(OLD))
    assert {(finding.kind, finding.index) for finding in report.findings} == {("log-key", town.index)}


# --- the key files


def keys_in(place: Path, **names: str) -> Path:
    (place / "keys").mkdir(parents=True)
    for file, name in names.items():
        make_key_file(place / "keys" / file.replace("_", "."), None, key_of(name))
    return place


def kept(place: Path) -> dict[str, str]:
    return {
        path.name: public_hex(read_key_file(path, lambda _: b"")) for path in sorted((place / "keys").iterdir())
    }  # fmt: skip


OLD_NAME = f"log.{public('log')[:8]}.old"


def test_the_next_key_takes_the_place_of_the_log_key_once_it_is_in_force(tmp_path: Path) -> None:
    place = keys_in(tmp_path, log="log", log_next="log-2")
    assert not take_up_next(place, {public("log")})
    assert kept(place) == {"log": public("log"), "log.next": public("log-2")}
    assert take_up_next(place, {public("log-2")})
    assert kept(place) == {"log": public("log-2"), OLD_NAME: public("log")}
    assert not take_up_next(place, {public("log-2")})


def test_killed_at_any_step_no_key_is_lost_and_the_next_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = ("link", "fsync", "replace", "fsync")
    for nth in range(len(steps)):
        place = keys_in(tmp_path / str(nth), log="log", log_next="log-2")
        counted = [0]

        def dying(real: Any, nth: int = nth, counted: list[int] = counted) -> Any:
            def call(*words: Any) -> Any:
                counted[0] += 1
                if counted[0] == nth + 1:
                    raise KeyboardInterrupt
                return real(*words)

            return call

        with monkeypatch.context() as patch:
            for name in dict.fromkeys(steps):
                patch.setattr(os, name, dying(getattr(os, name)))
            with pytest.raises(KeyboardInterrupt):
                take_up_next(place, {public("log-2")})
        assert {public("log"), public("log-2")} <= set(kept(place).values())
        in_force, following = read_log_keys(place)
        assert public("log-2") in {public_hex(in_force), public_hex(following) if following else ""}
        take_up_next(place, {public("log-2")})
        assert kept(place) == {"log": public("log-2"), OLD_NAME: public("log")}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = keys_in(tmp_path, log="log", log_next="log-2")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CannotRun, match="could not take the place"):
        take_up_next(place, {public("log-2")})


# --- the command, a server, two registrars

COMMAND = Path(sys.executable).parent / "constancia"


def run(*words: str | Path, code: int = 0) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONSTANCIA", "LC_", "LANG"))
    }
    ran = subprocess.run(
        [COMMAND, *map(str, words)], capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout + ran.stderr


def test_an_operator_and_two_registrars_exchange_the_key_of_a_running_ledger(tmp_path: Path) -> None:
    world = founded_lately(round_open=False)
    folder = tmp_path / "registro"
    put_on_disk(world, folder)
    people = tmp_path / "personas"
    people.mkdir()
    for name in ("icefi", "copret"):
        make_key_file(people / name, None, key_of(name))

    told = json.loads(run("log-key", "new", "--dir", folder, "--json").partition("\n\n")[0])
    again = run("log-key", "new", "--dir", folder)  # nothing new is made, and the draft is printed again
    following = read_key_file(folder / "keys" / "log.next", lambda _: b"")
    new = format_vkey(ORIGIN, ED25519, bytes(following.verify_key))
    assert told["draft"] == {"kind": "LogKeyRotated", "old": public("log"), "new": public_hex(following)}
    assert told["made"]
    assert public_hex(following) in again
    assert "ya estaba hecha" in again

    draft, note = tmp_path / "rotacion.json", tmp_path / "rotacion.note"
    draft.write_text(json.dumps(told["draft"]))
    signing = ["--origin", ORIGIN, "--actor", "icefi", "--role", "registrar"]
    run("sign", draft, "--key", people / "icefi", *signing, "--also", f"copret:registrar:{public('copret')}")
    run("sign", note, "--key", people / "copret")
    founding = world.entries[0].opened.identity
    policy = tmp_path / "policy"
    with Served(folder) as server:
        policy.write_bytes(server.get("/policy").body)  # pinned when the log had its first key
        run("submit", note, "--to", server.address + server.path)
        assert [line.split()[1] for line in server.get("/policy").body.decode().splitlines()[:-1]] == [OLD, new]
        seen = run("audit", server.address + server.path, "--policy", policy, "--founding", founding)
        assert new in seen.replace("\n", "").replace(" ", "")
        page = server.request("GET", "/gt/verificar", headers={"accept": "text/html"}).body.decode()
        assert f"--ledger-key &#39;{new}&#39;" in page or f"--ledger-key '{new}'" in page
    refused = run("log-key", "new", "--dir", folder, code=2)
    assert "ya es la del registro" in refused

    with Served(folder) as server:  # the next start takes it up
        assert set(kept(folder)) == {"desk", "log", OLD_NAME}
        assert kept(folder)["log"] == public_hex(following)
        entry = world.sign("AxisDefined", "copret:coordinator", axis="otro", title="Otro eje")
        assert server.post(entry).status == 201
        checkpoint = server.get("/checkpoint").body
        assert [line.key_id for line in parse_note(checkpoint).lines] == [parse_vkey(new).key_id]
        refused = run("audit", server.address + server.path, "--policy", policy, "--founding", founding, code=1)
        assert "es de otro registro" in " ".join(refused.split())
        policy.write_text(f"log {OLD}\nlog {new}\nquorum none\n")
        run("audit", server.address + server.path, "--policy", policy, "--founding", founding)
    receipt = tmp_path / "rotacion.tlog-proof"
    assert "varias llaves del registro" in " ".join(run("verify", receipt, "--policy", policy).split())
    for vkey in (OLD, new):  # the head that first covers the rotation has a line of each
        assert "varias llaves" not in " ".join(run("verify", receipt, "--ledger-key", vkey).split())
