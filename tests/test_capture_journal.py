"""The journal of a capturer: what is on the disk counts, a torn line is cut off, and one process writes at a time."""

from pathlib import Path

import pytest

from api.capture_journal import Line, open_journal
from ledger.errors import CannotRun

HERE, THERE = "constancia.example/gt", "constancia.example/hn"


def signed(name: str, origin: str = HERE, kind: str = "EvidenceCaptured", ms: int = 7) -> Line:
    return Line(identity=name, origin=origin, link=f"link of {name}", kind=kind, ms=ms, note="…")


def written(path: Path, *lines: Line) -> None:
    with open_journal(path) as journal:
        for line in lines:
            journal.add(line)


def test_what_was_signed_and_not_settled_is_pending(tmp_path: Path) -> None:
    path = tmp_path / "j"
    done, gone = Line(identity="a", index=3, receipt="r"), Line(identity="b", refused="stale (A9): …")
    written(path, signed("a"), done, signed("b"), gone, signed("c"), signed("d", THERE))
    with open_journal(path) as journal:
        assert [line.identity for line in journal.pending(HERE)] == ["c"]
        assert [line.identity for line in journal.pending(THERE)] == ["d"]
        # What was refused has not been said; what is pending will be.
        assert journal.done(HERE, "EvidenceCaptured") == {"link of a": 7, "link of c": 7}
        assert journal.done(HERE, "EvidenceChecked") == {}


def test_entry_zero_settles_a_line_too(tmp_path: Path) -> None:
    written(tmp_path / "j", signed("a"), Line(identity="a", index=0, receipt="r"))
    with open_journal(tmp_path / "j") as journal:
        assert journal.pending(HERE) == []


def test_a_torn_last_line_is_cut_off_wherever_it_broke(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, signed("a"), Line(identity="a", index=3, receipt="r"))
    raw = path.read_bytes()
    first = raw.index(b"\n") + 1
    for cut in range(first, len(raw)):
        path.write_bytes(raw[:cut])
        with open_journal(path) as journal:
            assert [line.identity for line in journal.pending(HERE)] == ["a"]
            journal.add(Line(identity="a", index=3, receipt="r"))
        assert path.read_bytes() == raw
    for cut in range(first):
        path.write_bytes(raw[:cut])
        with open_journal(path) as journal:
            assert journal.lines == []


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, signed("a"))
    path.write_bytes(path.read_bytes() + b"otra cosa\n")
    with pytest.raises(CannotRun, match="line 2"), open_journal(path):
        pass


def test_two_captures_do_not_work_with_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with open_journal(path), pytest.raises(CannotRun, match="at work"), open_journal(path):
        pass
    with open_journal(path):
        pass
