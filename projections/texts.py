"""The auditor's look at contents: is every text that is shown the one that was signed, and was whatever is missing
taken from view by a statement that may do so?

Texts lie beside the tree, in `contents/<N>`, and change: a moderator withholds one and another brings it back, its
author takes it back, two erase it. So a file that was in order yesterday is looked at again when a statement since then
concerns it, when something was wrong with it, and whenever the auditor asks for all of them.

    texts.note(entry, docket)        what an entry does to contents of earlier ones
    texts.look(batch, size)          the contents of 256 entries, as the fold comes by
    texts.look_again(…)              of entries that an earlier audit had verified
    texts.settle(docket, size)       with all entries known: is each content shown, or marked, as the entries say?

What must be public of a content follows from the acts on it (`consultation.hiding`). The ledger may have grown while
it was read, and then its files are ahead of the audited tree: what stands after any act since then is right as well.

Formats: FORMAT.md, "Contents".
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

import msgspec

from consultation.hiding import COMMENTS, Act, Effect, acts_of, rank_of, standing, weight_of
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
from ledger.statement import Entry, format_entry
from ledger.tlog.errors import Malformed
from ledger.tlog.tiles import WIDTH
from ledger.verify import Batch, Head, Source
from ledger.vocabulary import ContentRedacted, Statement
from projections.findings import Gathered

_acts = msgspec.msgpack.Decoder(list[Act]).decode

_ALL = 2**63  # entries, more than any tree has

Place = tuple[str, str]
"""A content: the identity of its statement, and its salted digest."""


class Seen(msgspec.Struct, array_like=True):
    """How many contents of one file were shown, and how many were out of view, by what was done to them."""

    shown: int = 0
    hidden: int = 0
    by: dict[Effect, int] = {}


class Texts:
    """The contents of one ledger, as far as an audit has come.

    `seen` has the figures of each file, by its number; `due` are the numbers of files that have to be looked at again.
    Both are taken up from an earlier audit and handed on to the next. The acts on contents lie in `tables`.
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
        # Contents on which entries of this audit act, or whose files are looked at again, with the index of the
        # statement that brings them: what is shown of them is judged as well.
        self._acted: dict[Place, int] = {}

    @property
    def shown(self) -> int:
        """How many contents are public."""
        return sum(each.shown for each in self.seen.values())

    @property
    def hidden(self) -> int:
        """How many contents are out of view."""
        return sum(each.hidden for each in self.seen.values())

    @property
    def hidden_by(self) -> dict[str, int]:
        """The same by what was done to them; of those whose marker is right."""
        found = Counter[str]()
        for each in self.seen.values():
            found.update(each.by)
        return dict(sorted(found.items()))

    def open_numbers(self) -> set[int]:
        """The files that an audit which goes on from here has to look at again."""
        return self.due | {line.index // WIDTH for line, _ in self._markers}

    # --- acts

    def note(self, entry: Entry, docket: Docket) -> None:
        """Remember what an entry does to contents; most do nothing. `docket` knows the entries up to it."""
        for act in acts_of(entry.index, entry.opened, docket):
            place = act.statement, act.digest
            self._acted[place] = act.of
            known = self._acts(place)
            if act not in known:  # an audit that went on from here has not met it before
                self._tables.put("act", "/".join(place), msgspec.msgpack.encode([*known, act]))

    def _acts(self, place: Place) -> list[Act]:
        """The acts on one content, by index."""
        found = self._tables.get("act", "/".join(place))
        return _acts(found) if isinstance(found, bytes) else []

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
            self._markers = [each for each in self._markers if each[0].index // WIDTH != number]
            for batch in batches(number):
                self.look(batch, size)
                for entry in batch.entries:
                    for salted in entry.opened.statement.salted_digests():
                        if self._acts(place := (entry.opened.identity, salted)):
                            self._acted[place] = entry.index

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

    def wanted(self, size: int, known: int) -> int | None:
        """The last entry that has to be known before all can be judged; None when what is known is enough.

        `size` is that of the audited tree, and the acts of the first `known` entries are known. Of later ones it takes
        those that markers name; and all there are, where a text is shown that is out of view: it may stand again.
        """
        if any(True for _ in self._wrongly_shown(size)):
            return _ALL
        named = [line.by.index for line, _ in self._markers if isinstance(line.by, Authority)]
        return max((index for index in named if index >= known), default=None)

    def touched(self, docket: Docket, start: int) -> set[int]:
        """The files of entries before `start` on whose contents this audit's entries act, and those that are due."""
        return self.due | {index // WIDTH for index in self._acted.values() if index < start}

    def settle(self, docket: Docket, head: Head) -> None:
        """Every marker names a statement that keeps its content from view, and nothing is shown that is out of view.

        `head` is that of the audited tree. Of what entries say that could not be read, those from `docket.size` on,
        nobody is accused.
        """
        size = head.size
        for line, entry in self._markers:
            by = line.by if isinstance(line.by, Authority) else Authority(digest="", index=-1)
            if docket.size <= by.index < size:
                self.due.add(line.index // WIDTH)
                continue
            effects: list[Effect | None] = [
                _named(acts, by) for acts in self._since(entry.opened.identity, line.salted_digest, size)
            ]
            for effect in effects:
                if effect is not None:
                    figures = self.seen.setdefault(line.index // WIDTH, Seen())
                    figures.by[effect] = figures.by.get(effect, 0) + 1
                    break
            else:
                self._accuse_marker(line, by, entry, head)
        self._markers.clear()
        for line, act in self._wrongly_shown(size):
            if docket.size < size:
                self.due.add(line.index // WIDTH)
            else:
                self._accuse_shown(line, act)

    def _since(self, identity: str, salted: str, size: int) -> list[list[Act]]:
        """The acts on a content in a tree of `size` entries, and after each act since."""
        acts = self._acts((identity, salted))
        stops = [size, *[act.index + 1 for act in acts if act.index >= size]]
        return [[act for act in acts if act.index < stop] for stop in stops]

    def _wrongly_shown(self, size: int) -> Iterator[tuple[PublicLine, Act]]:
        """Texts that are shown, and are out of view in a tree of `size` entries and ever since, each with the act."""
        by_file: dict[int, dict[tuple[int, str], Act]] = {}
        for (identity, salted), index in self._acted.items():
            stands = [standing(acts) for acts in self._since(identity, salted, size)]
            if index < size and stands[0] is not None and None not in stands:
                by_file.setdefault(index // WIDTH, {})[index, salted] = stands[0]
        for number, hidden in sorted(by_file.items()):
            try:
                lines = parse_bundle(self._source.read(bundle_path(number)) or b"", number)
            except Refused:
                continue  # reported already
            for line in lines:
                act = hidden.get((line.index, line.salted_digest))
                if act is not None and isinstance(line.content, Content):
                    yield line, act

    def _accuse_marker(self, line: PublicLine, by: Authority, entry: Entry, head: Head) -> None:
        """A marker names a statement that does not keep this content from view, or that does no longer."""
        path = bundle_path(line.index // WIDTH)
        evidence = {path: _raw(line), "note": entry.opened.note} | self._chain(entry.opened.statement)
        acts = [act for act in self._acts((entry.opened.identity, line.salted_digest)) if act.index < head.size]
        once = any((act.by, act.index) == (by.digest, by.index) for act in acts if act.effect != "restored")
        stands = standing(acts)
        kind, detail = "content-marker", f"entry {by.index} ({by.digest[:16]}…) does not take this content from view"
        if once and acts:
            later = max(acts, key=weight_of)
            kind = "content-marker" if stands else "content-kept-away"
            detail = f"entry {by.index} took this content from view, and entry {later.index} came after it"
            evidence |= self._entries({"entry named by the marker": by.index, "entry that came after it": later.index})
        elif by.index >= head.size:
            evidence["head"] = head.raw
        elif (named := self._entry_at(by.index)) is not None:
            evidence["note named by the marker"] = named.opened.note
        self._add(Misbehaviour(kind, detail, index=line.index, path=path, evidence=evidence))

    def _accuse_shown(self, line: PublicLine, act: Act) -> None:
        """A text is shown that an act took from view."""
        path = bundle_path(line.index // WIDTH)
        detail = f"the content {line.salted_digest} was taken from view by entry {act.index}, and its text is shown"
        evidence = {path: _raw(line)}
        if (entry := self._entry_at(line.index)) is not None:
            evidence |= {"note": entry.opened.note} | self._chain(entry.opened.statement)
        if (by := self._entry_at(act.index)) is not None:
            evidence["note that takes it from view"] = by.opened.note
        self._add(Misbehaviour("content-shown", detail, index=line.index, path=path, evidence=evidence))

    def _chain(self, statement: Statement) -> dict[str, bytes]:
        """For a shorter text: the notes of the statements in whose contents' place it stands, up to the first."""
        notes: dict[str, bytes] = {}
        while isinstance(statement, ContentRedacted):
            of = [act.of for act in self._acts((statement.target.statement, statement.target.salted_digest))]
            entry = self._entry_at(of[0]) if of else None
            if entry is None:
                break
            notes[f"note of entry {entry.index}"] = entry.opened.note
            statement = entry.opened.statement
        return notes

    def _entries(self, wanted: dict[str, int]) -> dict[str, bytes]:
        """Entries as they are in the tree: their received times show which came first."""
        found = {name: self._entry_at(index) for name, index in wanted.items()}
        return {name: format_entry(each.received_ms, each.opened.note) for name, each in found.items() if each}

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


def _named(acts: list[Act], by: Authority) -> Effect | None:
    """What a marker's statement did, where these are the acts on its content; None if the marker may not name it."""
    stands = standing(acts)
    if stands is None:
        return None
    may = [stands]
    if rank_of(stands.effect) >= rank_of("withdrawn"):  # done twice, it is done
        may = [act for act in acts if act.effect == stands.effect]
    # The first servers left the marker under which a content had gone, when more was done to it.
    if stands.effect in ("withheld", "withdrawn"):
        may += _last_withheld(acts)
    return next((act.effect for act in may if (act.by, act.index) == (by.digest, by.index)), None)


def _last_withheld(acts: list[Act]) -> list[Act]:
    """The withholdings that no restoration or redaction has followed."""
    moderated = sorted((act for act in acts if rank_of(act.effect) == 1), key=lambda act: act.index, reverse=True)
    return list(takewhile(lambda act: act.effect == "withheld", moderated))


def _unknown(line: PublicLine, path: str, entry: Entry | None = None) -> Misbehaviour:
    detail = f"the entry does not bring the salted digest {line.salted_digest}"
    evidence = {path: _raw(line)} | ({"note": entry.opened.note} if entry else {})
    return Misbehaviour("content-unknown", detail, index=line.index, path=path, evidence=evidence)


def _form(statement: Statement, salted: str) -> Form:
    """What form of content a statement brings under a salted digest. Comments are the mass, and have one alone."""
    return "comment" if type(statement).__name__ in COMMENTS else forms_of(statement)[salted]


def _raw(line: PublicLine) -> bytes:
    return msgspec.json.encode(line)
