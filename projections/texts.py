"""The auditor's look at contents: is every text that is shown the one that was signed, and was whatever is missing
taken from view by a statement that may do so?

Texts lie beside the tree, in `contents/<N>`, and change: a moderator withholds one, its author takes it back. So a file
that was in order yesterday is looked at again when a statement since then concerns it, when something was wrong with
it, and whenever the auditor asks for all of them.

    texts.look(batch, size)          the contents of 256 entries, as the fold comes by
    texts.look_again(…)              of entries that an earlier audit had verified
    texts.settle(docket, size)       with all entries known: every marker authorised, nothing shown that was taken away

Formats: FORMAT.md, "Contents".
"""

from collections.abc import Callable, Iterable

import msgspec

from consultation.text import (
    Authority,
    Content,
    Form,
    PublicLine,
    bundle_path,
    check_form,
    forms_of,
    parse_bundle,
    parse_bundle_path,
    salted_digest,
)
from ledger.docket import Docket, Tables
from ledger.errors import Misbehaviour, Refused
from ledger.statement import Entry
from ledger.tlog.errors import Malformed
from ledger.tlog.tiles import WIDTH
from ledger.verify import Batch, Head, Source
from ledger.vocabulary import CommentSubmitted, CommentTranscribed, ContentWithheld, Statement, StatementWithdrawn
from projections.findings import Gathered

_COMMENTS = frozenset({CommentSubmitted.__name__, CommentTranscribed.__name__})
_HIDING = frozenset({ContentWithheld, StatementWithdrawn})
_authorities = msgspec.msgpack.Decoder(list[Authority]).decode


class Seen(msgspec.Struct, array_like=True):
    """How many contents of one file were shown, and how many taken from view."""

    shown: int = 0
    hidden: int = 0


class Texts:
    """The contents of one ledger, as far as an audit has come.

    `seen` has the figures of each file, by its number; `due` are the numbers of files that have to be looked at again.
    Both are taken up from an earlier audit and handed on to the next. What takes contents from view lies in `tables`.
    `entry_at` reads an entry again, for evidence.
    """

    def __init__(
        self,
        source: Source,
        found: Gathered,
        tables: Tables,
        seen: dict[int, Seen],
        due: set[int],
        entry_at: Callable[[int], Entry | None],
    ) -> None:
        self._source = source
        self._found = found
        self._tables = tables
        self._entry_at = entry_at
        self.seen = seen
        self.due = due
        self.read: set[int] = set()
        self._unread: set[int] = set()
        self.beyond_all = 0
        """Behind the last entry that a line was met of, whether or not there is such an entry."""
        # Markers met, each with the statement whose content is gone: judged when all entries are known.
        self._markers: list[tuple[PublicLine, Entry]] = []
        # What entries of this audit take from view: (statement, salted digest). Of a withdrawn comment all: "".
        self._hidings: dict[tuple[str, str], None] = {}

    @property
    def shown(self) -> int:
        """How many contents are public."""
        return sum(each.shown for each in self.seen.values())

    @property
    def hidden(self) -> int:
        """How many contents were taken from view."""
        return sum(each.hidden for each in self.seen.values())

    def open_numbers(self) -> set[int]:
        """The files that an audit which goes on from here has to look at again."""
        return self.due | {line.index // WIDTH for line, _ in self._markers}

    # --- what takes from view

    def note_hiding(self, entry: Entry, docket: Docket) -> None:
        """Remember which contents an entry takes from view; most take none. `docket` knows the entries before it."""
        statement = entry.opened.statement
        if type(statement) not in _HIDING:
            return
        if isinstance(statement, ContentWithheld):
            place = statement.target.statement, statement.target.salted_digest
        elif isinstance(statement, StatementWithdrawn):
            # A comment goes with its text; of anything else only the effect ends, and its words stay.
            earlier = docket.earlier(statement.statement)
            if earlier is None or earlier.kind not in _COMMENTS:
                return
            place = statement.statement, ""
        else:
            return
        self._hidings[place] = None
        known, this = self._hiding(*place), Authority(digest=entry.opened.identity, index=entry.index)
        if this not in known:  # an audit that went on from here has not met it before
            self._tables.put("hiding", "/".join(place), msgspec.msgpack.encode([*known, this]))

    def _hiding(self, identity: str, salted: str) -> list[Authority]:
        """The statements that take one content from view, or with "" all contents of a statement."""
        found = self._tables.get("hiding", f"{identity}/{salted}")
        return _authorities(found) if isinstance(found, bytes) else []

    def _hidden_by(self, identity: str, salted: str) -> list[Authority]:
        return [*self._hiding(identity, salted), *self._hiding(identity, "")]

    # --- one file

    def look(self, batch: Batch, size: int) -> None:
        """Check the contents of the entries of a batch, in a tree of `size` entries."""
        brought = [(entry, salted) for entry in batch.entries if (salted := entry.opened.statement.salted_digests())]
        number = batch.first // WIDTH
        if len(batch.entries) < batch.count:
            # Of entries that could not be read nobody knows what they bring.
            self._unread.add(number)
            self.due.add(number)
        if not brought:
            return
        self.read.add(number)
        path = bundle_path(number)
        lines = self._lines(path, number)
        if lines is None:
            return
        figures = self.seen.setdefault(number, Seen())
        written = {(line.index, line.salted_digest): line for line in lines if line.index < size}
        for entry, digests in brought:
            for salted in dict.fromkeys(digests):
                line = written.pop((entry.index, salted), None)
                if line is None:
                    detail = f"no text and no marker for the salted digest {salted}"
                    evidence = {"note": entry.opened.note}
                    self._add(Misbehaviour("content-missing", detail, index=entry.index, path=path, evidence=evidence))
                elif isinstance(line.content, Content):
                    figures.shown += 1
                    self._check_shown(entry, line, line.content, path)
                else:
                    # The statement that took it from view comes later in the tree: judged when all is known.
                    figures.hidden += 1
                    self._markers.append((line, entry))
        # Of an entry that could not be read nobody knows what it brings.
        known = {entry.index: entry for entry in batch.entries} if written else dict[int, Entry]()
        for (index, _), line in written.items():
            if index in known:
                self._add(_unknown(line, path, known[index]))

    def look_again(self, batches: Callable[[int], Iterable[Batch]], numbers: Iterable[int], size: int) -> None:
        """Check contents of entries that an earlier audit had verified; `batches` gives those of a file's number."""
        for number in sorted(numbers):
            self.due.discard(number)
            self.seen.pop(number, None)
            for batch in batches(number):
                self.look(batch, size)
                self._check_still_hidden(batch, size)

    def _check_still_hidden(self, batch: Batch, size: int) -> None:
        """What earlier statements took from view is not shown."""
        for entry in batch.entries:
            for salted in entry.opened.statement.salted_digests():
                authorities = self._hidden_by(entry.opened.identity, salted)
                if any(each.index < size for each in authorities):
                    self._check_not_shown(entry.index, salted, min(each.index for each in authorities))

    def _lines(self, path: str, number: int) -> list[PublicLine] | None:
        """The lines of a file of contents; reported, and None, where it is not there or not of the format."""
        raw = self._source.read(path)
        if raw is None:
            first = number * WIDTH
            detail = "contents that entries bring are not there"
            self._add(Misbehaviour("missing-file", detail, index=first, path=path))
            return None
        try:
            lines = parse_bundle(raw, number)
            self.beyond_all = max(self.beyond_all, lines[-1].index + 1 if lines else 0)
            return lines
        except Refused as refusal:
            fault = Misbehaviour("content-malformed", str(refusal), path=path, evidence={path: raw})
            self._add(fault, code=refusal.code, rule=refusal.rule)
            return None

    def _check_shown(self, entry: Entry, line: PublicLine, content: Content, path: str) -> None:
        """A text that is shown is of its form, and gives its salted digest under its statement's first signer."""
        opened = entry.opened
        salt = bytes.fromhex(str(line.salt))
        computed = salted_digest(salt, opened.origin, opened.statement.by[0].key, content)
        if computed != line.salted_digest:
            detail = f"text and salt give {computed}, and the statement has {line.salted_digest}"
            evidence = {path: _raw(line), "note": opened.note}
            self._add(Misbehaviour("content-altered", detail, index=entry.index, path=path, evidence=evidence))
            return
        try:
            check_form(content, _form(opened.statement, line.salted_digest))
        except Refused as refusal:
            # The signer meant this text, but the desk should not have taken it.
            evidence = {path: _raw(line), "note": opened.note}
            fault = Misbehaviour("content-form", str(refusal), index=entry.index, path=path, evidence=evidence)
            self._add(fault, code=refusal.code, rule=refusal.rule)

    def _add(self, fault: Misbehaviour, *, code: str | None = None, rule: str | None = None) -> None:
        """Report a fault of a file, which has to be looked at again."""
        self._found.add(fault, code=code, rule=rule)
        if fault.path is not None:
            self.due.add(parse_bundle_path(fault.path))

    # --- with all entries known

    def beyond(self, size: int) -> int | None:
        """The last entry behind a tree of `size` entries that a marker names: the ledger may have grown meanwhile."""
        named = [line.by.index for line, _ in self._markers if isinstance(line.by, Authority) and line.by.index >= size]
        return max(named, default=None)

    def touched(self, docket: Docket, start: int) -> set[int]:
        """The files of entries before `start` from which this audit's entries take contents, and those that are due."""
        found = [docket.earlier(identity) for identity, _ in self._hidings]
        return self.due | {each.index // WIDTH for each in found if each is not None and each.index < start}

    def settle(self, docket: Docket, head: Head) -> None:
        """Every marker names a statement that takes its content from view, and nothing is shown that was taken away.

        `head` is that of the audited tree. Of what entries say that could not be read, those from `docket.size` on,
        nobody is accused.
        """
        size = head.size
        for line, entry in self._markers:
            by = line.by if isinstance(line.by, Authority) else Authority(digest="", index=-1)
            if docket.size <= by.index < size:
                self.due.add(line.index // WIDTH)
            elif by not in self._hidden_by(entry.opened.identity, line.salted_digest):
                path = bundle_path(line.index // WIDTH)
                detail = f"entry {by.index} ({by.digest[:16]}…) does not take this content from view"
                evidence = {path: _raw(line), "note": entry.opened.note}
                if by.index >= size:
                    evidence["head"] = head.raw
                elif (named := self._entry_at(by.index)) is not None:
                    evidence["note named by the marker"] = named.opened.note
                self._add(Misbehaviour("content-marker", detail, index=line.index, path=path, evidence=evidence))
        self._markers.clear()
        for identity, salted in self._hidings:
            earlier = docket.earlier(identity)
            authorities = self._hiding(identity, salted)
            if earlier is not None and min(each.index for each in authorities) < size:
                self._check_not_shown(earlier.index, salted, min(each.index for each in authorities))

    def _check_not_shown(self, index: int, salted: str, by: int) -> None:
        """What entry `index` brings, and entry `by` took from view, is not shown."""
        path = bundle_path(index // WIDTH)
        try:
            lines = parse_bundle(self._source.read(path) or b"", index // WIDTH)
        except Refused:
            return  # reported already
        for line in lines:
            if line.index == index and salted in ("", line.salted_digest) and isinstance(line.content, Content):
                detail = f"the content {line.salted_digest} was taken from view, and its text is shown"
                evidence = {path: _raw(line)}
                for name, at in (("note", index), ("note that takes it from view", by)):
                    if (entry := self._entry_at(at)) is not None:
                        evidence[name] = entry.opened.note
                self._add(Misbehaviour("content-shown", detail, index=index, path=path, evidence=evidence))

    # --- files that no entry asked for

    def is_known(self, path: str, size: int, *, start: int, audited: int) -> bool:
        """Whether a file of contents belongs to the `size` entries that there may be.

        Lines that none of the entries from `start` to `audited` brings are reported.
        """
        try:
            number = parse_bundle_path(path)
        except Malformed:
            return False
        if number * WIDTH >= size:
            return False
        if number not in self.read and (number + 1) * WIDTH > start:
            for line in self._lines(path, number) or ():
                if start <= line.index < audited and number not in self._unread:
                    self._add(_unknown(line, path))
        return True


def _unknown(line: PublicLine, path: str, entry: Entry | None = None) -> Misbehaviour:
    detail = f"the entry does not bring the salted digest {line.salted_digest}"
    evidence = {path: _raw(line)} | ({"note": entry.opened.note} if entry else {})
    return Misbehaviour("content-unknown", detail, index=line.index, path=path, evidence=evidence)


def _form(statement: Statement, salted: str) -> Form:
    """What form of content a statement brings under a salted digest. Comments are the mass, and have one alone."""
    return "comment" if type(statement).__name__ in _COMMENTS else forms_of(statement)[salted]


def _raw(line: PublicLine) -> bytes:
    return msgspec.json.encode(line)
