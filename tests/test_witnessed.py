"""A ledger under witnesses, with real servers on both sides: what is served, kept and shown, and what stops the writer.

The town's policy asks for two of three witnesses of civil society and one of two of the state. Each test has witnesses
of its own: what they have cosigned they never forget.
"""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from service import Served, founded_lately, put_on_disk, until
from witnesses import (
    Behave,
    InMemory,
    Peer,
    Witnesses,
    answering,
    drip,
    hang,
    huge,
    in_memory,
    log_vkey,
    policy_of,
    verifier_of,
)
from world import ORIGIN, REGISTRARS, World, key_of, public

from api.app import Running, open_ledger
from api.asking import WitnessWire
from api.keyfiles import format_key_file
from api.remote import RemoteLedger
from api.settings import load_settings
from ledger import witnesses as witnesses_module
from ledger.cosigning import read_standings, split_records
from ledger.errors import CannotRun
from ledger.published import Folder
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.tlog.cosignature import cosign
from ledger.tlog.merkle import consistency_proof, leaf_hash, root_of
from ledger.tlog.note import format_line, parse_note, parse_vkey
from ledger.tlog.policy import Policy, Witness, parse_policy
from ledger.tlog.proof import parse_proof, verify_proof
from ledger.tlog.tiles import entries_path, parse_bundle
from ledger.tlog.witness import AddCheckpoint, format_add_checkpoint
from ledger.verify import verify_receipt
from projections.audit import audit
from projections.findings import Report

if TYPE_CHECKING:
    from playwright.sync_api import Page

VKEY = log_vkey(ORIGIN)
TOWN = ("civil-1", "civil-2", "civil-3", "estado-1", "estado-2")
QUORUM = (
    "group civil 2 civil-1 civil-2 civil-3",
    "group estado any estado-1 estado-2",
    "group ambos all civil estado",
    "quorum ambos",
)


class Place:
    """A ledger's folder with a policy, and the world whose statements are registered there."""

    def __init__(self, folder: Path, policy: bytes, ago_ms: int = 2_000) -> None:
        self.folder = folder
        self.world: World = founded_lately(round_open=False, ago_ms=ago_ms)
        put_on_disk(self.world, folder)
        self.public = Folder(folder / "public")
        self.size = len(self.world.entries)
        self._count = 0
        self.set_policy(policy)

    def set_policy(self, policy: bytes) -> None:
        (self.folder / "policy").write_bytes(policy)
        settings = f'[[ledgers]]\norigin = "{ORIGIN}"\nfolder = "."\npolicy = "policy"\n'
        (self.folder / "constancia.toml").write_text(settings, "utf-8")
        # As a ledger that had witnesses from the beginning: what is served there has the quorum, or is not there.
        (self.folder / "public" / "checkpoint").unlink(missing_ok=True)

    @property
    def policy(self) -> Policy:
        return parse_policy((self.folder / "policy").read_bytes())

    def note(self) -> bytes:
        """A statement that the rulebook takes."""
        self._count += 1
        return self.world.sign("AxisDefined", "copret:coordinator", axis=f"eje-{self._count}", title="Eje")

    def register(self, served: Served) -> Any:
        """Register a statement; it must be acknowledged. Its answer."""
        answer = served.post(self.note())
        assert answer.status == 201, answer.body
        self.size += 1
        return answer.json

    def sizes(self) -> tuple[int, int]:
        """The sizes of `checkpoint` (0: none) and `head`."""
        return size_of(self.public.read("checkpoint")), size_of(self.public.read("head"))

    def witnessed(self) -> bool:
        """Whether the newest head has its quorum."""
        checkpoint, head = self.sizes()
        return checkpoint == head == self.size

    def audit(self, source: Any = None, **options: Any) -> Report:
        founding = self.world.entries[0].opened.identity
        return audit(source or self.public, policy=self.policy, founding=founding, workers=1, **options)

    def records(self) -> list[bytes]:
        """Every cosigned head that was kept, in order; the files must be whole."""
        notes: list[bytes] = []
        for path in sorted(path for path in self.public.paths() if path.startswith("checkpoints/")):
            raw = self.public.read(path) or b""
            found, end = split_records(raw)
            assert end == len(raw)
            notes += found
        return notes

    def fork(self, entry: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        """A head of this history with another entry at its end, signed by this log's own key; and the proof."""
        kept = parse_bundle(self.public.read(entries_path(0, self.size)) or b"", self.size)
        leaves = [leaf_hash(each) for each in [*kept, entry]]

        def subtree(level: int, index: int) -> bytes:
            return root_of(leaves[index << level : (index + 1) << level])

        head = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), root_of(leaves)), key_of("log"))
        return head, consistency_proof(len(leaves) - 1, len(leaves), subtree)


def size_of(raw: bytes | None) -> int:
    return int(raw.split(b"\n")[1]) if raw else 0


def assert_clean(report: Report) -> None:
    """Verified, and every received time bounded by witnesses."""
    assert (report.verdict, [each.kind for each in report.findings]) == ("verified", [])
    assert {each.kind for each in report.remarks} & {"time-unbounded", "no-witnesses"} == set()
    assert report.witnesses


@pytest.fixture
def peers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


# --- a town with five witnesses --------------------------------------------------------------------------------------


def test_a_ledger_under_five_witnesses(tmp_path: Path) -> None:
    with Witnesses(tmp_path / "witnesses", VKEY, *TOWN) as witnesses:
        place = Place(tmp_path / "gt", witnesses.policy(*QUORUM))
        with Served(place.folder) as served:
            until(place.witnessed)
            _receipts(place, served)
            _shown(place, served)
            _one_down_delays_nobody(place, served, witnesses)
            _a_side_down_keeps_the_checkpoint_where_it_was(place, served, witnesses)
            _audited(place, served)
        # What was kept and published stays so for the next start, which asks all before it signs anything.
        assert [each.why_en for each in read_standings(place.folder)] == [""] * 5
        before = place.records()
        with Served(place.folder) as served:
            until(lambda: len(place.records()) > len(before))
            assert place.records()[: len(before)] == before
            assert_clean(place.audit())
    with Served(place.folder) as served:  # silence stops no start
        place.register(served)
        assert place.sizes() == (place.size - 1, place.size)
        assert served.get("/api/witnesses").json["data"]["witnesses"][0]["why"] == "nobody answers at its address"


def _receipts(place: Place, served: Served) -> None:
    """Provisional at once, final when the witnesses have cosigned: same place, same time."""
    posted = place.register(served)
    assert posted["provisional"] is True
    proof = parse_proof(posted["receipt"].encode())
    log_only = Policy.from_log_key(VKEY)
    entry = verify_proof(proof, log_only).entry
    path = f"/receipts/{posted['identity']}"
    until(lambda: served.get(path).headers["constancia-receipt"] == "final")
    answer = served.get(path)
    assert "retry-after" not in answer.headers
    final = verify_receipt(answer.body, place.policy)
    assert (final.entry.index, final.entry.opened.identity) == (posted["index"], posted["identity"])
    assert verify_proof(parse_proof(answer.body), place.policy).entry == entry
    assert len(final.witnesses) >= 3
    # An entry long since covered has a final one at once, and so has a statement that is sent again.
    again = served.post(place.world.entries[3].opened.note)
    assert (again.status, again.json["index"], "provisional" in again.json) == (200, 3, False)
    assert verify_receipt(again.json["receipt"].encode(), place.policy).entry.index == 3


def _shown(place: Place, served: Served) -> None:
    """Pages, answers and metrics say which checkpoint is witnessed, by whom and when."""
    served.folded()
    head = parse_note(place.public.read("checkpoint") or b"")
    names = [line.name for line in head.lines[1:]]
    asked = served.get("/api/witnesses").json
    assert [each["name"] for each in asked["checkpoint"]["witnesses"]] == names
    assert asked["data"]["witnessed"]["size"] == place.size
    assert {each["name"] for each in asked["data"]["witnesses"]} == {f"{name}.example/w" for name in TOWN}
    old = served.get("/api/plans?at=20").json["checkpoint"]
    assert (old["size"], old["witnesses"]) == (20, asked["checkpoint"]["witnesses"])
    for path, words in (("/", f"{place.size} asientos, cofirmados por"), ("/en", f"{place.size} entries cosigned by")):
        page = served.get(path).body.decode()
        assert words in page
        assert all(name in page for name in names)
    assert "Quién es testigo de este registro" in served.get("/verificar").body.decode()
    metrics = served.get("//metrics").body.decode()
    assert f'constancia_witnessed_size{{ledger="gt"}} {place.size}.0' in metrics
    assert f'constancia_witness_size{{ledger="gt",witness="civil-1.example/w"}} {place.size}.0' in metrics
    assert 'constancia_witness_age_seconds{ledger="gt",witness="estado-2.example/w"}' in metrics
    assert served.get("/policy").body == (place.folder / "policy").read_bytes()


def _one_down_delays_nobody(place: Place, served: Served, witnesses: Witnesses) -> None:
    witnesses["civil-3"].stop()
    for _ in range(2):
        place.register(served)
        until(place.witnessed)
    names = {line.name for line in parse_note(place.public.read("checkpoint") or b"").lines}
    assert "civil-3.example/w" not in names
    assert (
        'constancia_witness_failures_total{ledger="gt",witness="civil-3.example/w"} 0.0'
        not in served.get("//metrics").body.decode()
    )


def _a_side_down_keeps_the_checkpoint_where_it_was(place: Place, served: Served, witnesses: Witnesses) -> None:
    for name in ("estado-1", "estado-2"):
        witnesses[name].stop()
    kept = place.public.read("checkpoint")
    posted = [place.register(served) for _ in range(3)]
    until(lambda: all(_silent(served, name) for name in ("estado-1", "estado-2")))
    assert place.public.read("checkpoint") == kept
    assert place.sizes()[1] == place.size
    answer = served.get(f"/receipts/{posted[0]['identity']}")
    assert (answer.headers["constancia-receipt"], answer.headers["retry-after"]) == ("provisional", "2")
    with pytest.raises(Exception, match="not enough witnesses"):
        verify_receipt(answer.body, place.policy)
    served.folded()
    assert served.get("/api/plans").json["checkpoint"]["witnesses"] == []
    witnesses["estado-2"].start()
    until(place.witnessed, 90)
    assert verify_receipt(served.get(f"/receipts/{posted[0]['identity']}").body, place.policy).entry.index
    witnesses["civil-3"].start()
    witnesses["estado-1"].start()
    until(lambda: not any(_silent(served, name) for name in TOWN), 90)


def _silent(served: Served, name: str) -> bool:
    told = {each["name"]: each for each in served.get("/api/witnesses").json["data"]["witnesses"]}
    return "silent_since" in told[f"{name}.example/w"]


def _audited(place: Place, served: Served) -> None:
    assert_clean(place.audit())
    with RemoteLedger(f"http://127.0.0.1:{served.port}/gt") as remote:
        assert_clean(place.audit(remote, server=remote))
    sizes = [size_of(note) for note in place.records()]
    assert sizes == sorted(sizes)
    assert all(place.policy.check(note).quorum_reached for note in place.records())
    assert place.records()[-1] == place.public.read("checkpoint")


# --- witnesses that misbehave (threats.md, case 60) ------------------------------------------------------------------


def wrong(connection: Any, closing: Any) -> None:
    """A cosignature by the right key, of another checkpoint."""
    text = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 9, bytes(32)), key_of("log"))).text
    line = cosign("wrong.example/w", key_of("wrong"), text, 1_795_000_000)
    answering(200, format_line(line).encode())(connection, closing)


BAD: dict[str, Behave] = {
    "hang": hang,
    "drip": drip,
    "huge": huge,
    "wrong": wrong,
    "page": answering(200, b"<html>\n"),
    "error": answering(500, b""),
    "false-size": answering(409, b"99999999999999999999\n"),
}


def test_bad_witnesses_delay_nobody_where_the_good_ones_are_enough(tmp_path: Path, peers: ExitStack) -> None:
    bad = {name: (verifier_of(name), peers.enter_context(Peer(behave)).url) for name, behave in BAD.items()}
    good = in_memory(peers, VKEY, good_1=0, good_2=0)
    group = f"group q 2 {' '.join([*bad, *good])}"
    place = Place(tmp_path / "gt", policy_of(VKEY, bad | good, group, "quorum q"))
    with Served(place.folder) as served:
        for _ in range(4):
            place.register(served)
            until(place.witnessed)
        told = {each["name"]: each for each in served.get("/api/witnesses").json["data"]["witnesses"]}
        assert {name for name, each in told.items() if "cosigned_size" in each} == {
            f"{each}.example/w" for each in good
        }
        assert {name for name, each in told.items() if "why" in each} == {f"{each}.example/w" for each in bad}
        assert place.register(served)["provisional"]
    assert_clean(place.audit())


@pytest.mark.parametrize("name", ["hang", "wrong", "error"])
def test_where_a_bad_witness_is_needed_the_checkpoint_waits_and_nobody_else(
    tmp_path: Path, peers: ExitStack, name: str
) -> None:
    behave: list[Behave] = [InMemory(name, VKEY).behave]
    turning = peers.enter_context(Peer(lambda connection, closing: behave[0](connection, closing)))
    witnesses = in_memory(peers, VKEY, good=0) | {name: (verifier_of(name), turning.url)}
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, f"group q all good {name}", "quorum q"))
    with Served(place.folder) as served:
        until(place.witnessed)
        kept = place.public.read("checkpoint")
    behave[0] = BAD[name]
    with Served(place.folder) as served:
        posted = [place.register(served) for _ in range(3)]
        until(lambda: served.get("/api/witnesses").json["data"]["witnesses"][1]["failures"] > 0)
        assert place.public.read("checkpoint") == kept
        for each in posted:
            answer = served.get(f"/receipts/{each['identity']}")
            assert answer.headers["constancia-receipt"] == "provisional"
            assert verify_receipt(answer.body, Policy.from_log_key(VKEY)).entry.index == each["index"]


def test_a_head_that_does_not_move_is_cosigned_again(
    tmp_path: Path, peers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses_module, "INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(witnesses_module, "AGAIN_SECONDS", 0.2)
    place = Place(
        tmp_path / "gt", policy_of(VKEY, in_memory(peers, VKEY, a=0, b=0, c=0), "group q 2 a b c", "quorum q")
    )
    with opened(place):
        until(lambda: len(place.records()) > 5)
    checked = [place.policy.check(note) for note in place.records()]
    assert {each.checkpoint.size for each in checked} == {place.size}
    times = [each.quorum_time or 0 for each in checked]
    assert times == sorted(times)
    assert times[0] < times[-1]
    # Each with all who answered, not one record for each of them.
    assert {len(each.cosignatures) for each in checked[1:]} == {3}
    assert_clean(place.audit())


def test_slow_witnesses_that_are_all_needed_meet_under_a_busy_log(
    tmp_path: Path, peers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is slow in its own way: asked for the head of the moment, they would hardly ever sign the same."""
    monkeypatch.setattr(witnesses_module, "INTERVAL_SECONDS", 0.005)
    delays = {"a": 0.03, "b": 0.05, "c": 0.07, "d": 0.11, "e": 0.13, "f": 0.17}
    slow = [InMemory(name, VKEY, delay=delay) for name, delay in delays.items()]
    named = {each.verifier.name[0]: (each.verifier, peers.enter_context(Peer(each.behave)).url) for each in slow}
    place = Place(tmp_path / "gt", policy_of(VKEY, named, "group q all a b c d e f", "quorum q"))
    with opened(place) as ledger:
        seen: set[int] = set()

        def eight_seen() -> bool:
            assert ledger.log.register(place.note()).result(20).fresh
            seen.add(place.sizes()[0])
            return len(seen) == 8

        until(eight_seen, 120, pause=0)
    # No answer was in vain: each time all were asked, all met. (At the start each is asked twice, and some are at the
    # end still at work.)
    heads = len({size_of(note) for note in place.records()})
    assert heads >= 7
    assert sum(each.asked for each in slow) <= len(slow) * (heads + 4)
    assert_clean(place.audit())


def test_pages_with_witnesses_are_for_everybody(
    tmp_path: Path, peers: ExitStack, page: "Page", axe_findings: "Callable[[Page], list[str]]"
) -> None:
    witnesses = in_memory(peers, VKEY, a=0, b=0) | {"c": (verifier_of("c"), "http://127.0.0.1:9")}
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, "group q 2 a b c", "quorum q"))
    with Served(place.folder) as served:
        until(place.witnessed)
        page.set_viewport_size({"width": 360, "height": 740})
        for path in ("/verificar", "/en/verificar", "/"):
            page.goto(f"http://127.0.0.1:{served.port}/gt{path}")
            assert axe_findings(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto(f"http://127.0.0.1:{served.port}/gt/en/verificar")
        rows = page.get_by_role("table").filter(has_text="Each witness").get_by_role("row").all_inner_texts()
        assert [row.split()[0] for row in rows[1:]] == ["a.example/w", "b.example/w", "c.example/w"]
        assert "not yet" in rows[3]


# --- alarms ----------------------------------------------------------------------------------------------------------


def test_a_witness_that_saw_another_history_stops_the_writer_and_both_notes_are_kept(tmp_path: Path) -> None:
    with Witnesses(tmp_path / "witnesses", VKEY, "civil-1", "civil-2") as witnesses:
        place = Place(tmp_path / "gt", witnesses.policy("group q any civil-1 civil-2", "quorum q"))
        other, proof = place.fork(b"another entry")
        with Served(place.folder) as served:
            until(lambda: not _unseen(served))
            _show(witnesses["civil-1"].url, AddCheckpoint(place.size, proof, other))
            _stopped(place, served, says="does not find in our tree")
        (kept,) = (place.folder / "evidence").iterdir()
        assert kept.name.startswith("422-civil-1.example_w-")
        ours, theirs = (open_checkpoint((kept / name).read_bytes(), [parse_vkey(VKEY)]) for name in ("head", "witness"))
        assert (ours.size, theirs.root) == (theirs.size, open_checkpoint(other, [parse_vkey(VKEY)]).root)
        assert ours.root != theirs.root
        assert (kept / "answer").read_bytes().startswith(b"422\n")
        assert "el registro firmó dos" in (kept / "LEAME.txt").read_text("utf-8")
        with pytest.raises(AssertionError, match=r"not those of the head at the witness civil-1"), Served(place.folder):
            pass


def _unseen(served: Served) -> list[Any]:
    return [each for each in served.get("/api/witnesses").json["data"]["witnesses"] if "cosigned_size" not in each]


def test_a_witness_that_saw_a_larger_tree_stops_the_writer(tmp_path: Path, peers: ExitStack) -> None:
    witness = InMemory("civil", VKEY)
    policy = policy_of(
        VKEY, {"civil": (witness.verifier, peers.enter_context(Peer(witness.behave)).url)}, "quorum civil"
    )
    place = Place(tmp_path / "gt", policy)
    with Served(place.folder) as served:
        until(place.witnessed)
        # Somebody with the same key registered more elsewhere.
        witness.latest = witness.latest._replace(size=place.size + 5)
        _stopped(place, served, says=f"entries {place.size + 1} to {place.size + 4} are missing")
    (kept,) = (place.folder / "evidence").iterdir()
    assert (kept / "answer").read_bytes() == b"409\n%d\n" % (place.world.docket.size + 5)
    with pytest.raises(AssertionError, match="are missing"), Served(place.folder):
        pass


def _show(url: str, request: AddCheckpoint) -> None:
    """Have a witness cosign a head behind this log's back."""
    wire = WitnessWire()
    answer = wire.ask(Witness(b"w", verifier_of("w"), url.encode()), format_add_checkpoint(request))
    wire.close()
    assert answer.status == 200


def _stopped(place: Place, served: Served, says: str) -> None:
    """The next statement brings it out: the process ends by itself, and says why."""
    served.post(place.note())
    assert served.process.wait(30) == 2
    assert says in served.log()
    size = place.sizes()[1]
    with pytest.raises(AssertionError, match="did not start"), Served(place.folder):
        pass
    assert place.sizes()[1] == size


def test_an_older_backup_restored_with_its_head_is_refused_when_a_witness_knows_more(tmp_path: Path) -> None:
    with Witnesses(tmp_path / "witnesses", VKEY, "civil-1", "civil-2") as witnesses:
        place = Place(tmp_path / "gt", witnesses.policy("group q 2 civil-1 civil-2", "quorum q"))
        with Served(place.folder):
            until(place.witnessed)
        shutil.copytree(place.folder, tmp_path / "backup")
        size = place.size
        with Served(place.folder) as served:
            for _ in range(3):
                place.register(served)
            until(place.witnessed)
        (place.folder).rename(tmp_path / "lost")
        shutil.copytree(tmp_path / "backup", place.folder)
        before = {path: place.public.read(path) for path in place.public.paths()}
        missing = f"entries {size} to {size + 2} missing"
        with pytest.raises(AssertionError, match=missing), Served(place.folder):
            pass
        assert {path: place.public.read(path) for path in place.public.paths()} == before
        # Also where all published files are lost, and nothing but the old journal is there.
        shutil.rmtree(place.folder / "public")
        with pytest.raises(AssertionError, match=missing), Served(place.folder):
            pass
        assert not (place.folder / "public" / "head").exists()
        # The newest copy goes on.
        shutil.rmtree(place.folder)
        (tmp_path / "lost").rename(place.folder)
        with Served(place.folder) as served:
            place.register(served)
            until(place.witnessed)
        assert_clean(place.audit())


# --- killed at the steps of keeping ----------------------------------------------------------------------------------

KILL = """
import os, signal
from ledger.published import Folder
point, after = {point!r}, {after}
appends = 0
append, replace = Folder.append, Folder.replace
def die(): os.kill(os.getpid(), signal.SIGKILL)
def counted_append(self, path, record):
    global appends
    if not path.startswith("checkpoints/"):
        return append(self, path, record)
    appends += 1
    if appends > after and point == "before":
        die()
    if appends > after and point == "within":
        append(self, path, record[:len(record) // 2])
        die()
    append(self, path, record)
    if appends > after and point == "between":
        die()
def counted_replace(self, path, content):
    replace(self, path, content)
    if path == "checkpoint" and appends > after and point == "after":
        die()
Folder.append, Folder.replace = counted_append, counted_replace
"""


@pytest.mark.parametrize("point", ["before", "within", "between", "after"])
def test_killed_while_a_cosigned_head_is_kept_the_next_start_has_it(
    tmp_path: Path, peers: ExitStack, point: str
) -> None:
    witnesses = in_memory(peers, VKEY, a=0, b=0)
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, "group q any a b", "quorum q"))
    for after in (0, 1):
        _killed(place, KILL.format(point=point, after=after))
        checkpoint = place.sizes()[0]
        place.size = place.sizes()[1]
        with Served(place.folder) as served:
            assert place.sizes()[0] >= checkpoint
            until(place.witnessed)
            notes = place.records()
            assert notes[-1] == place.public.read("checkpoint")
            assert served.get(f"/receipts/{place.world.entries[5].opened.identity}").headers["constancia-receipt"] == (
                "final"
            )
        assert_clean(place.audit())


def _killed(place: Place, before: str) -> None:
    """Serve until the process kills itself, at its start or after a statement."""
    served = Served(place.folder, before=before)
    try:
        with served:
            while served.process.poll() is None:
                place.register(served)
                time.sleep(0.3)
    except (AssertionError, OSError):
        served.process.wait(90)
    assert served.process.returncode == -signal.SIGKILL


def test_what_was_appended_and_not_yet_renamed_is_found_again(tmp_path: Path, peers: ExitStack) -> None:
    """Nobody answers any more: what the next start serves can only come from what was kept."""
    stack = ExitStack()
    witnesses = in_memory(stack, VKEY, a=0)
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, "quorum a"))
    with Served(place.folder) as served:
        until(place.witnessed)
        older = place.public.read("checkpoint") or b""
        place.register(served)
        until(place.witnessed)
    stack.close()
    newer = place.public.read("checkpoint")
    place.public.replace("checkpoint", older)
    day = next(path for path in place.public.paths() if path.startswith("checkpoints/"))
    place.public.append(day, b"\0\0\1\0torn")
    with Served(place.folder) as served:
        assert place.public.read("checkpoint") == newer == place.records()[-1]
        answer = served.get(f"/receipts/{place.world.entries[5].opened.identity}")
        assert verify_receipt(answer.body, place.policy).size == place.size
    # And without any checkpoint.
    (place.folder / "public" / "checkpoint").unlink()
    with Served(place.folder):
        assert place.public.read("checkpoint") == newer


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_one_witness_with_a_wrong_clock_stops_nobody(tmp_path: Path, peers: ExitStack) -> None:
    witnesses = in_memory(peers, VKEY, a=0, b=0, ahead=3_600)
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, "group q 2 a b ahead", "quorum q"))
    with Served(place.folder) as served:
        for _ in range(2):
            place.register(served)
            until(place.witnessed)
        told = served.get("/api/witnesses").json["data"]["witnesses"][2]
        assert told["why"].startswith("its clock is 3")
        assert "cosigned_at" not in told
    assert_clean(place.audit())


def test_a_full_quorum_a_minute_away_stops_the_writer(tmp_path: Path, peers: ExitStack) -> None:
    clocks = [InMemory(name, VKEY) for name in ("a", "b", "c")]
    witnesses = {each.verifier.name[0]: (each.verifier, peers.enter_context(Peer(each.behave)).url) for each in clocks}
    place = Place(tmp_path / "gt", policy_of(VKEY, witnesses, "group q 2 a b c", "quorum q"))
    with Served(place.folder) as served:
        until(place.witnessed)
        clocks[0].shift = clocks[1].shift = -90
        served.post(place.note())
        assert served.process.wait(60) == 2
        assert "a quorum of witnesses contradicts it" in served.log()
    with pytest.raises(AssertionError, match="the witnesses contradict it"), Served(place.folder):
        pass
    with opened(place, accept_time=True) as ledger:
        assert ledger.log.register(place.note()).result(20).index >= place.size
    clocks[0].shift = 0
    with Served(place.folder) as served:
        until(lambda: place.sizes()[0] == place.sizes()[1])


class opened:  # noqa: N801 (a context manager, used as a function)
    """A ledger's parts in this process, as the server opens them."""

    def __init__(self, place: Place, *, accept_time: bool = False) -> None:
        self._place = place
        self._accept_time = accept_time
        self._closing = ExitStack()

    def __enter__(self) -> Running:
        (settings,) = load_settings(self._place.folder, {}).ledgers
        try:
            return open_ledger(settings, self._closing, accept_time=self._accept_time)
        except BaseException:
            self._closing.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._closing.close()


YEAR_MS = 401 * 86_400_000


def test_after_a_year_of_silence_witnesses_vouch_for_the_clock(tmp_path: Path, peers: ExitStack) -> None:
    good = in_memory(peers, VKEY, a=0, b=1)
    place = Place(tmp_path / "gt", policy_of(VKEY, good, "group q 2 a b", "quorum q"), ago_ms=YEAR_MS)
    with opened(place):
        pass
    hours = in_memory(peers, VKEY, c=-7_200, d=-7_100)
    place.set_policy(policy_of(VKEY, hours, "group q 2 c d", "quorum q"))
    with pytest.raises(CannotRun, match="the witnesses contradict it"), opened(place):
        pass
    with opened(place, accept_time=True):
        pass
    with Peer(hang) as peer:
        nobody = peer.url
    place.set_policy(policy_of(VKEY, {"e": (verifier_of("e"), nobody)}, "quorum e"))
    with pytest.raises(CannotRun, match="401 days after the last entry"), opened(place):
        pass


# --- one writer, and policies ----------------------------------------------------------------------------------------


def test_a_second_server_on_one_ledger_is_refused_and_the_first_goes_on(tmp_path: Path, peers: ExitStack) -> None:
    place = Place(tmp_path / "gt", policy_of(VKEY, in_memory(peers, VKEY, a=0), "quorum a"))
    with Served(place.folder) as served:
        with pytest.raises(AssertionError, match="another writer"), Served(place.folder):
            pass
        place.register(served)
        until(place.witnessed)


def test_a_ledger_gets_its_first_witnesses_and_gives_them_up_again(tmp_path: Path, peers: ExitStack) -> None:
    place = Place(tmp_path / "gt", policy_of(VKEY, in_memory(peers, VKEY, a=0), "quorum a"))
    plain = f'[[ledgers]]\norigin = "{ORIGIN}"\nfolder = "."\n'
    witnessed = (place.folder / "constancia.toml").read_text("utf-8")
    (place.folder / "constancia.toml").write_text(plain, "utf-8")
    with Served(place.folder) as served:
        posted = place.register(served)
        assert "provisional" not in posted
        assert served.get("/api/witnesses").json["data"] == {"asked": False, "witnesses": []}
        assert served.get("/api/plans").json["checkpoint"]["witnesses"] == []
        assert "no hay testigos configurados" in served.get("/").body.decode()
        assert place.sizes() == (place.size, place.size)
    (place.folder / "constancia.toml").write_text(witnessed, "utf-8")
    with Served(place.folder) as served:
        # What was served is not taken back: it stays until a newer one has the quorum.
        assert place.sizes()[0] == place.size
        place.register(served)
        until(place.witnessed)
        until(lambda: len(parse_note(place.public.read("checkpoint") or b"").lines) == 2)
    (place.folder / "constancia.toml").write_text(plain, "utf-8")
    with Served(place.folder) as served:
        place.register(served)
        assert place.sizes() == (place.size, place.size)


def test_the_logs_key_rotates_under_witnesses(tmp_path: Path, peers: ExitStack) -> None:
    new = log_vkey(ORIGIN, "log-2")
    old_only, both = InMemory("a", VKEY), InMemory("b", VKEY)
    both.logs.append(parse_vkey(new))
    named = {
        each.verifier.name[0]: (each.verifier, peers.enter_context(Peer(each.behave)).url) for each in (old_only, both)
    }
    place = Place(tmp_path / "gt", policy_of(VKEY, named, "group q any a b", "quorum q"))
    with Served(place.folder):
        until(place.witnessed)
    _key_file(place, "log.next", "log-2")
    rotation = place.world.sign("LogKeyRotated", *REGISTRARS, old=public("log"), new=public("log-2"))
    with Served(place.folder) as served:
        assert served.post(rotation).status == 201
        place.size += 1
        until(place.witnessed)
        # Both keys signed the head that covers the rotation: whoever knows the old one only can still cosign it.
        until(lambda: old_only.latest.size == place.size)
        place.register(served)
        until(place.witnessed)
        assert old_only.latest.size == place.size - 1
        served_policy = parse_policy(place.public.read("policy") or b"")
        assert {each.verifier for each in served_policy.logs} == {parse_vkey(VKEY), parse_vkey(new)}
    # The next start has the new key in its place, and a policy file that still names the old one only.
    with Served(place.folder) as served:
        until(place.witnessed)
        place.register(served)
        until(place.witnessed)
    founding = place.world.entries[0].opened.identity
    assert_clean(audit(place.public, policy=served_policy, founding=founding, workers=1))


def _key_file(place: Place, name: str, key: str) -> None:
    path = place.folder / "keys" / name
    path.touch(0o600)
    path.write_bytes(format_key_file(key_of(key), None))


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (b"quorum none\n", "does not name the key of this ledger"),
        (b"quorum q\n", "is no policy"),
        (policy_of(VKEY, {"a": (verifier_of("a"), "")}, "quorum a"), "there is no address for a.example/w"),
        (policy_of(VKEY, {"a": (verifier_of("a"), "w.example")}, "quorum a"), "not the address of a witness"),
    ],
)
def test_a_policy_that_cannot_be_lived_by_stops_the_start(tmp_path: Path, policy: bytes, says: str) -> None:
    place = Place(tmp_path / "gt", policy)
    with pytest.raises(CannotRun, match=says), opened(place):
        pass
