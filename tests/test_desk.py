"""The desk: a statement and its contents go in together or not at all; what is public now follows the record."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from moderation import Moderated
from second_writer import contents_files
from town import Town
from world import ORIGIN, World, digest_of, found, key_of, public

from consultation import text
from consultation.desk import Desk, SubmissionRefused, reopen
from consultation.text import Content, SaltedContent
from consultation.vault import Vault, keys_path
from ledger.errors import CannotRun, Refused
from ledger.log import Clock, Log, Registered
from ledger.published import Folder
from ledger.statement import Entry, format_when, open_statement
from ledger.tlog.note import parse_note, verify_ed25519

SALT = b"s" * 32
DAY = 86_400_000


class Hall:
    """A real ledger on disk with its desk: the world's entries, and its clock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.world: World = found()
        self.world.open_round()
        self.open(create=True)
        waiting = [self.desk.submit(entry.opened.note) for entry in self.world.entries]
        assert [each.result(30).index for each in waiting] == list(range(len(waiting)))

    def open(self, *, create: bool = False) -> None:
        self.vault = Vault.open(self.root / "vault.db", create=create)
        self.desk = Desk(ORIGIN, self.vault, Folder(self.root / "public"), key_of("desk"))
        clock = Clock(wall_ms=lambda: self.world.now_ms, monotonic=lambda: self.world.now_ms / 1000)
        self.log = Log.open(
            ORIGIN,
            journal=self.root / "journal.db",
            published=self.root / "public",
            log_key=key_of("log"),
            contents=self.desk,
            desk_key=self.desk.public_key,
            create=create,
            clock=clock,
        )
        self.desk.open(self.log)

    def close(self) -> None:
        self.log.close()
        self.vault.close()

    def comment(self, who: str, words: str = "Buen plan.", **fields: Any) -> tuple[bytes, SaltedContent]:
        """The note of a comment by `who`, and the content that goes with it."""
        note = self.world.sign("CommentSubmitted", f"{who}:citizen", **self.world.comment(who, words), **fields)
        return note, salted(words)

    def public(self, number: int) -> list[text.PublicLine]:
        raw = (self.root / "public" / text.bundle_path(number)).read_bytes()
        return text.parse_bundle(raw, number)


def salted(words: str, salt: bytes = SALT) -> SaltedContent:
    return SaltedContent(salt=salt.hex(), content=Content(text=words))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    hall.close()


def test_a_comment_and_its_text_go_in_together(hall: Hall) -> None:
    note, content = hall.comment("maria")
    registered = hall.desk.submit(note, [content]).result(30)
    assert registered.fresh
    assert registered.index == len(hall.world.entries)
    held = hall.vault.held(registered.identity, open_statement(note, ORIGIN).statement.salted_digests()[0])
    assert held
    assert (held.index, held.salt, held.content) == (registered.index, SALT, b'{"text":"Buen plan."}')
    # What is published is bound to the signer and gives the digest in the tree.
    (line,) = hall.public(0)
    assert line.index == registered.index
    assert isinstance(line.content, Content)
    assert line.salted_digest == text.salted_digest(SALT, ORIGIN, public("maria"), line.content)
    assert held.digest == line.salted_digest


WRONG: list[tuple[str, list[SaltedContent], str]] = [
    ("none came", [], "digest-mismatch"),
    ("another text", [salted("Mal plan.")], "digest-mismatch"),
    ("another salt", [salted("Buen plan.", b"t" * 32)], "digest-mismatch"),
    ("one too many", [salted("Buen plan."), salted("Y más.")], "digest-mismatch"),
    ("the same twice", [salted("Buen plan."), salted("Buen plan.")], "digest-mismatch"),
    ("blank", [salted(" \t\n")], "empty-text"),
    ("empty", [salted("")], "empty-text"),
    ("too long", [salted("a" * 4001)], "shape"),
    ("NUL", [salted("a\0b")], "nul"),
    ("salt in capitals", [SaltedContent(salt="AB" * 32, content=Content(text="Buen plan."))], "shape"),
    ("short salt", [SaltedContent(salt="ab", content=Content(text="Buen plan."))], "shape"),
    ("more than any statement brings", [salted(str(number)) for number in range(257)], "shape"),
]


@pytest.mark.parametrize(("contents", "code"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_contents_that_do_not_fit_exactly_are_refused_and_nothing_is_kept(
    hall: Hall, contents: list[SaltedContent], code: str
) -> None:
    note, _ = hall.comment("maria")
    size = hall.log.size
    with pytest.raises(Refused) as refused:
        hall.desk.submit(note, contents)
    assert refused.value.code == code
    assert "plan" not in refused.value.detail
    assert hall.log.size == size
    assert hall.vault.digests(open_statement(note, ORIGIN).identity) == []
    # And the honest one still goes in.
    assert hall.desk.submit(note, [salted("Buen plan.")]).result(30).index == size


def test_a_text_under_the_digest_of_a_name_is_refused(hall: Hall) -> None:
    """The statement binds a person's name; a content of another form with that digest does not pass for one."""
    digest = text.salted_digest(SALT, ORIGIN, public("copret"), Content(text="Ana"))
    note = hall.world.sign(
        "OfficeHolderChanged",
        "copret:coordinator",
        institution="copret",
        post="Dirección",
        person=digest,
        on={"precision": "none"},
    )
    with pytest.raises(Refused) as refused:
        hall.desk.submit(note, [salted("Ana")])
    assert refused.value.code == "shape"


def test_a_content_with_a_statement_that_brings_none_is_refused(hall: Hall) -> None:
    note = hall.world.sign("AxisDefined", "copret:coordinator", axis="otra", title="Otra")
    with pytest.raises(Refused) as refused:
        hall.desk.submit(note, [salted("hola")])
    assert refused.value.code == "digest-mismatch"
    assert hall.desk.submit(note).result(30).fresh


def test_a_copied_text_and_salt_under_another_key_do_not_give_the_digest(hall: Hall) -> None:
    note, content = hall.comment("maria")
    hall.desk.submit(note, [content]).result(30)
    (line,) = hall.public(0)
    # A copier takes what is published: salt, text and digest, and signs with a key of his own.
    copied = hall.world.sign(
        "CommentSubmitted",
        "copier:citizen",
        **(hall.world.comment("copier") | {"salted_digest": line.salted_digest}),
    )
    with pytest.raises(Refused) as refused:
        hall.desk.submit(copied, [content])
    assert refused.value.code == "digest-mismatch"


def test_the_same_again_is_answered_as_before_whatever_contents_come_with_it(hall: Hall) -> None:
    note, content = hall.comment("maria")
    first = hall.desk.submit(note, [content]).result(30)
    before = (hall.root / "public/contents/000").read_bytes()
    hall.world.now_ms += 5_000
    for contents in ([content], [], [salted("otra cosa")]):
        again = hall.desk.submit(note, contents).result(30)
        assert again == msgspec.structs.replace(first, fresh=False)
    assert (hall.root / "public/contents/000").read_bytes() == before


def test_a_statement_that_the_rulebook_refuses_leaves_nothing_in_the_vault(hall: Hall) -> None:
    note, content = hall.comment("maria", said_at=format_when(hall.world.now_ms - 30 * DAY))
    with pytest.raises(Refused) as refused:
        hall.desk.submit(note, [content]).result(30)
    assert refused.value.code == "stale"
    assert hall.vault.digests(open_statement(note, ORIGIN).identity) == []


# --- what is public now ----------------------------------------------------------------------------------------------


def withhold(hall: Hall, registered: Registered) -> bytes:
    entry = reopen(registered.index, registered.entry, ORIGIN)
    return hall.world.sign(
        "ContentWithheld",
        "vigilante:moderator",
        target={"statement": registered.identity, "salted_digest": entry.opened.statement.salted_digests()[0]},
        ground="spam",
        rule="3.2",
        appeal_until=format_when(hall.world.now_ms + 30 * DAY),
    )


def test_withheld_text_gives_way_to_a_marker_and_stays_sealed(hall: Hall) -> None:
    registered = hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    hall.desk.submit(*_with_contents(hall.comment("jorge", "Otro texto."))).result(30)
    act = hall.desk.submit(withhold(hall, registered)).result(30)
    mine, other = sorted(hall.public(0), key=lambda line: line.index)
    assert mine.by == text.Authority(digest=act.identity, index=act.index)
    assert (mine.content, mine.salt) == (msgspec.UNSET, msgspec.UNSET)
    assert other.content == Content(text="Otro texto.")
    everything = b"".join(path.read_bytes() for path in (hall.root / "public").rglob("*") if path.is_file())
    assert b"Buen plan." not in everything
    assert b"Otro texto." in everything
    # Sealed, not lost: an appeal may bring it back.
    held = hall.vault.held(registered.identity, mine.salted_digest)
    assert held
    assert held.content == b'{"text":"Buen plan."}'
    assert held.hidden
    assert held.hidden.ground == "spam"


def test_a_comment_that_its_author_withdraws_is_hidden_and_its_place_is_not(hall: Hall) -> None:
    registered = hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    note = hall.world.sign("StatementWithdrawn", "maria:citizen", statement=registered.identity)
    act = hall.desk.submit(note).result(30)
    (line,) = hall.public(0)
    assert line.index == registered.index
    assert line.by == text.Authority(digest=act.identity, index=act.index)


def test_after_the_loss_of_memory_the_same_is_published_again(hall: Hall) -> None:
    registered = hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    hall.desk.submit(withhold(hall, registered)).result(30)
    expected = (hall.root / "public/contents/000").read_bytes()
    (hall.root / "public/contents/000").unlink()
    # As after a crash before the head was swapped: the log asks for the same range once more.
    hall.desk.publish(0, hall.log.size, hall.log.docket)
    assert (hall.root / "public/contents/000").read_bytes() == expected


def test_a_lost_file_of_contents_is_written_anew_at_the_start(hall: Hall) -> None:
    hall.desk.submit(*_with_content(hall.comment("maria"))).result(30)
    path = hall.root / "public" / text.bundle_path(0)
    before = path.read_bytes()
    hall.close()
    path.unlink()
    hall.open()
    assert path.read_bytes() == before


def _with_content(comment: tuple[bytes, SaltedContent]) -> tuple[bytes, list[SaltedContent]]:
    note, content = comment
    return note, [content]


def test_a_vault_restored_from_a_backup_learns_what_it_missed(hall: Hall) -> None:
    registered = hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    backup = (hall.root / "backup.db").absolute()
    with hall.vault._reading() as database:  # pyright: ignore[reportPrivateUsage]
        database.execute("VACUUM INTO ?", (str(backup),))
    hall.desk.submit(withhold(hall, registered)).result(30)
    hall.close()
    for path in hall.root.glob("vault.db*"):
        path.unlink()
    backup.rename(hall.root / "vault.db")
    hall.open()
    # Before anything is served or submitted.
    held = hall.vault.held(registered.identity, reopen_digest(registered))
    assert held
    assert held.hidden
    (line,) = hall.public(0)
    assert isinstance(line.by, text.Authority)


def test_a_vault_restored_from_a_backup_takes_back_what_is_public(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    backup = (hall.root / "backup.db").absolute()
    with hall.vault._reading() as database:  # pyright: ignore[reportPrivateUsage]
        database.execute("VACUUM INTO ?", (str(backup),))
    shown = hall.desk.submit(*_with_contents(hall.comment("jorge", "Otro texto."))).result(30)
    sealed = hall.desk.submit(*_with_contents(hall.comment("sara", "Un tercero."))).result(30)
    hall.desk.submit(withhold(hall, sealed)).result(30)
    before = hall.public(0)
    hall.close()
    for path in hall.root.glob("vault.db*"):
        path.unlink()
    backup.rename(hall.root / "vault.db")
    hall.open()
    held = hall.vault.held(shown.identity, reopen_digest(shown))
    assert held is not None
    assert b"Otro texto." in held.content
    (line,) = [line for line in hall.public(0) if line.index == shown.index]
    assert line in before
    # What was sealed is nowhere else: that is said, with its entry.
    assert "1 texts that came since were taken back" in caplog.text
    assert f"({sealed.index})" in caplog.text


def reopen_digest(registered: Registered) -> str:
    (digest,) = reopen(registered.index, registered.entry, ORIGIN).opened.statement.salted_digests()
    return digest


def test_a_file_of_contents_from_a_backup_does_not_show_what_was_hidden_since(hall: Hall) -> None:
    registered = hall.desk.submit(*_with_contents(hall.comment("maria"))).result(30)
    path = hall.root / "public" / text.bundle_path(0)
    before = path.read_bytes()
    hall.desk.submit(withhold(hall, registered)).result(30)
    after = path.read_bytes()
    hall.close()
    path.write_bytes(before)
    hall.open()
    assert path.read_bytes() == after


@pytest.mark.parametrize("seed", range(6))
def test_what_is_public_follows_every_act_through_restarts_and_backups(tmp_path: Path, seed: int) -> None:
    """`tests/moderation.py` says what must be public; what is erased is in no file, backups made later among them."""
    chance = Random(seed)
    (tmp_path / "ledger").mkdir()
    hall = Hall(tmp_path / "ledger")
    moderated = Moderated(Town(world=hall.world), comments=6)
    for step in range(6):
        backup = tmp_path / f"backup-{step}.db"
        _back_up(hall, backup)
        registered = _register(hall, moderated)
        for path, content in contents_files(moderated.lines()).items():
            assert (hall.root / "public" / path).read_bytes() == content
        _back_up(hall, tmp_path / "newest.db")
        _check_erased(tmp_path, hall, moderated)
        # The same again gets the same place and writes nothing.
        again = hall.world.entries[chance.randrange(len(hall.world.entries))]
        before = (hall.root / "vault.keys").read_bytes()
        assert hall.desk.submit(again.opened.note, _contents_of(moderated, again)).result(30).index == again.index
        assert (hall.root / "vault.keys").read_bytes() == before
        hall.close()
        if registered and chance.random() < 0.5:
            _restart_from(hall, moderated, backup)
        hall.open()
        moderated.wander(chance, 12)
    hall.close()


def _contents_of(moderated: Moderated, entry: Entry) -> list[SaltedContent]:
    lines = [line for (identity, _), line in moderated.texts.items() if identity == entry.opened.identity]
    return [SaltedContent(salt=line["salt"], content=Content(**line["content"])) for line in lines]


def _register(hall: Hall, moderated: Moderated) -> int:
    """Submit what was said in the world since; returns how many."""
    fresh = hall.world.entries[hall.log.size :]
    answers = [hall.desk.submit(entry.opened.note, _contents_of(moderated, entry)) for entry in fresh]
    assert [answer.result(30).index for answer in answers] == [entry.index for entry in fresh]
    return len(fresh)


def _back_up(hall: Hall, path: Path) -> None:
    with closing(sqlite3.connect(hall.root / "vault.db")) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)


def _check_erased(folder: Path, hall: Hall, moderated: Moderated) -> None:
    """Erased texts are in no file in the open; vaults of today and of then, with the keys of today, give none."""
    erased = [place for place, each in moderated.standing().items() if each.erased]
    shown = [place for place, each in moderated.standing().items() if each.now() == each.line]
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for place in erased:
        words = moderated.texts[place]["content"]["text"].encode()
        assert [path for path, content in files.items() if words in content] == []
        held = hall.vault.held(*place)
        assert held
        assert (held.salt, held.content) == (b"", b"")
    for place in shown:
        words = moderated.texts[place]["content"]["text"].encode()
        assert [path.parent.name for path, content in files.items() if words in content] == ["contents"]
    for backup in folder.glob("backup-*.db"):
        copy = folder / "copy" / "vault.db"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(backup.read_bytes())
        keys_path(copy).write_bytes((hall.root / "vault.keys").read_bytes())
        with closing(Vault.open(copy)) as vault:
            assert [place for place in erased if (found := vault.held(*place)) and found.content] == []


def _restart_from(hall: Hall, moderated: Moderated, backup: Path) -> None:
    """Start with an older vault, see what it says, and put the newest one back."""
    newest = (hall.root / "vault.db").read_bytes()
    (hall.root / "vault.db").write_bytes(backup.read_bytes())
    hall.open()
    for place, each in moderated.standing().items():
        held = hall.vault.held(*place)
        if held is None:
            assert not each.erased
        else:
            assert (held.hidden.by if held.hidden else None) == each.now().get("by", {}).get("digest")
            assert bool(held.content) == (not each.erased)
    hall.close()
    (hall.root / "vault.db").write_bytes(newest)


def test_contents_of_a_statement_that_never_got_in_are_swept_after_a_day(hall: Hall) -> None:
    note, content = hall.comment("maria")
    opened = open_statement(note, ORIGIN)
    # As after a crash between the vault's commit and the journal's.
    hall.vault.keep(hall.desk.fitting(opened, [content]), now_ms=0)
    assert hall.vault.held(opened.identity, opened.statement.salted_digests()[0]) is None
    assert hall.desk.sweep() == 1
    hall.vault.keep(hall.desk.fitting(opened, [content]), now_ms=2**52)
    assert hall.desk.sweep() == 0
    # A retry finds it there.
    assert hall.desk.submit(note, [content]).result(30).fresh
    assert len(hall.public(0)) == 1


def test_files_of_contents_are_numbered_by_the_entries_that_bring_them(hall: Hall) -> None:
    last = None
    for number in range(300):
        last = hall.desk.submit(*_with_contents(hall.comment(f"vecina-{number}", f"Comentario {number}.")))
    assert last
    index = last.result(60).index
    assert {line.index for line in hall.public(0)} == set(range(len(hall.world.entries), 256))
    assert {line.index for line in hall.public(1)} == set(range(256, index + 1))


# --- the refusal note ------------------------------------------------------------------------------------------------


def test_a_refusal_note_verifies_under_the_desks_key_and_cannot_be_registered(hall: Hall) -> None:
    note, _ = hall.comment("maria")
    identity = open_statement(note, ORIGIN).identity
    refusal = hall.desk.refusal(identity, "closed", received_ms=1_771_243_200_123)
    parsed = parse_note(refusal)
    first, line, _ = parsed.text.split(b"\n")
    assert first == ORIGIN.encode()
    assert line == (
        b'{"code":"closed","kind":"SubmissionRefused","received_at":"2026-02-16T12:00:00.123Z","statement":"'
        + identity.encode()
        + b'"}'
    )
    assert msgspec.json.decode(line, type=SubmissionRefused).statement == identity
    verify_ed25519(bytes.fromhex(hall.desk.public_key), parsed.text, parsed.lines[0].signature)
    with pytest.raises(Refused) as refused:
        hall.desk.submit(refusal)
    assert refused.value.code == "shape"


def test_a_desk_without_its_log_says_that_it_is_not_open(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault.db", create=True)
    desk = Desk(ORIGIN, vault, Folder(tmp_path / "public"), key_of("desk"))
    world = found()
    with pytest.raises(CannotRun, match="not open"):
        desk.submit(world.entries[0].opened.note)
    vault.close()


def _with_contents(pair: tuple[bytes, SaltedContent]) -> tuple[bytes, list[SaltedContent]]:
    return pair[0], [pair[1]]


def test_the_world_and_the_product_agree_on_the_salted_digest(hall: Hall) -> None:
    fields = hall.world.comment("maria")
    assert fields["salted_digest"] == text.salted_digest(SALT, ORIGIN, public("maria"), Content(text="Buen plan."))
    assert fields["claim"] == text.claim(bytes.fromhex(digest_of("secret of maria")))
