"""A published report -> draft statements "as printed", and an import report that accounts for every line.

Nobody signed in 2015, so the importer may say only what is printed (rule A11 of the rulebook): each draft carries
`printed` with the digest of the source, the section, a path of its own (`G8/evidence/3`) and whose words they are. It
repairs nothing, registers no actors, and keeps names, e-mails and telephones out.

    printed = read_report(raw)
    drafts, report = draft_statements(printed)
    print(show_report(report, "es"))

A draft is a statement without `by` and `said_at`, which are put in when it is signed, and beside it the contents that
go to the vault. Two placeholders wait inside until then: `{"$content": 0}` stands for the salted digest of the draft's
first content, `{"$ref": "RecommendationMade/recommendation/1"}` for the identity of an earlier statement, named by
kind and printed item. `complete_draft` fills them in.

Rules, not exceptions: nothing here or in `api.report_reader` asks for the number of a commitment.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from api import report_phrases as phrases
from api.report_actors import ACTORS, COORDINATOR, find_actor, find_speaker
from api.report_reader import (
    TEXT_ROWS,
    Date,
    Field,
    Note,
    Paragraph,
    Printed,
    Section,
    Table,
    Use,
    entries,
    fold,
    parse_date,
    parse_link,
    personal_content,
    without_links,
)
from ledger.errors import Refused
from ledger.statement import canonical, decode_line

Json = dict[str, Any]

MAX_CODE_POINTS: Final = 4000
MAX_TEXT_BYTES: Final = 8192


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """A statement without `by` and `said_at`, and the contents behind its salted digests, in placeholder order."""

    statement: Json
    contents: tuple[dict[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What a `$ref` calls it: `<kind>/<item>`."""
        return f"{self.statement['kind']}/{self.statement['printed']['item']}"


# --- drafts -----------------------------------------------------------------------------------------------------------


def draft_statements(
    printed: Printed,
    *,
    plan: str | None = None,
    country: str = "GT",
    lang: str = "en",
    offset_minutes: int = -360,
) -> tuple[list[Draft], Json]:
    """The drafts of a report in registering order, and the import report.

    `plan` is the slug of the plan (by default `<country>-<first year>-<last year>` as the title prints them); `lang`
    the language of the report; `offset_minutes` the ledger's local time. Raises nothing for a report that
    `read_report` gave: what does not fit is in the import report.
    """
    drafter = _Drafter(printed, plan, country, lang, offset_minutes)
    return drafter.drafts(), drafter.report()


def complete_draft(draft: Draft, references: Mapping[str, object], salted: Sequence[object]) -> Json:
    """The draft's statement with its placeholders filled in, still without `by` and `said_at`.

    `references` gives the identity (64 hex) of each statement by `Draft.name`; `salted` the salted digest of each of
    the draft's contents, or whatever is to stand in its place until there is one. Raises KeyError for a statement
    that is not among the references.
    """

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            members = cast("Json", value)
            if "$content" in members:
                return salted[members["$content"]]
            if "$ref" in members:
                return references[members["$ref"]]
            return {name: fill(member) for name, member in members.items()}
        if isinstance(value, list | tuple):
            return [fill(member) for member in cast("Sequence[Any]", value)]
        return value

    return fill(draft.statement)


def check_draft(draft: Draft) -> None:
    """That the draft, once signed, has the shape of its kind. Raises Refused (ledger.errors) naming what does not."""
    filler = "0" * 64
    statement = complete_draft(draft, _Anything(filler), [filler] * len(draft.contents))
    signer = {"actor": "importer", "key": filler, "role": "importer"}
    decode_line(canonical(statement | {"by": [signer], "said_at": "2015-09-30T00:00:00Z"}))


class _Anything(dict[str, str]):
    """References for a check of the shape alone: any name has this identity."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self._identity = identity

    def __missing__(self, key: str) -> str:
        return self._identity


def encode_drafts(drafts: Sequence[Draft]) -> list[Json]:
    """Drafts as plain JSON objects, each a statement that `constancia sign` takes: in place of a salted digest stands
    the content itself, `{"$content": {"text": "..."}}`."""
    return [complete_draft(draft, _Kept(), [{"$content": dict(c)} for c in draft.contents]) for draft in drafts]


def decode_drafts(raw: bytes) -> list[Draft]:
    """The drafts of a JSON text `{"statements": [...], ...}`. Raises Refused if one has not the shape of its kind,
    ValueError if the text is no such JSON."""

    class Drafts(msgspec.Struct):
        statements: list[Json]

    drafts = [_decode_draft(statement) for statement in msgspec.json.decode(raw, type=Drafts).statements]
    for draft in drafts:
        check_draft(draft)
    return drafts


def _decode_draft(statement: Json) -> Draft:
    contents: list[dict[str, str]] = []

    def take(value: Any) -> Any:
        if isinstance(value, dict):
            members = cast("Json", value)
            if "$content" in members:
                contents.append(msgspec.convert(members["$content"], dict[str, str]))
                return {"$content": len(contents) - 1}
            return {name: take(member) for name, member in members.items()}
        if isinstance(value, list):
            return [take(member) for member in cast("list[Any]", value)]
        return value

    return Draft(take(statement), tuple(contents))


class _Kept(dict[str, Any]):
    """References that stay as they are."""

    def __missing__(self, key: str) -> Json:
        return {"$ref": key}


def demo_drafts() -> list[Draft]:
    """The drafts of the embedded data set (api/demo/README.md): facts, and our own one-line summaries in Spanish."""
    return decode_drafts((Path(__file__).parent / "demo" / "plan.json").read_bytes())


class _Drafter:
    """Turns printed facts into drafts, in the order in which they can be registered."""

    def __init__(self, printed: Printed, plan: str | None, country: str, lang: str, offset_minutes: int) -> None:
        self._printed = printed
        self._country = country
        self._lang = lang
        self._zone = timezone(timedelta(minutes=offset_minutes))
        self._uses: list[Use] = list(printed.uses)
        self._drafts: list[Draft] = []
        self._names: set[str] = set()
        self._withheld: list[Json] = []
        self._cut: list[Json] = []
        self._refused: list[Json] = []
        self._not_found: list[str] = []
        self._notes: list[Note] = list(printed.notes)
        self._table_notes: dict[str, list[Note]] = {t.name: list(t.notes) for t in printed.tables}
        title = self._find(phrases.PLAN_TITLE)
        self._title = title[2] if title else None
        guessed = f"{country.lower()}-{self._title['first']}-{self._title['last']}" if self._title else "plan"
        self._plan = plan or guessed
        self._claims: list[Json] = []
        self._round = f"{self._plan}-self-assessment"
        self._measured: dict[tuple[str, str], str] = {}
        issued = self._find(phrases.ISSUED)
        self._issued = parse_date(issued[1].text) if issued else None

    # -- shared steps

    def _find(self, pattern: re.Pattern[str], *titles: str) -> tuple[Section, Paragraph, re.Match[str]] | None:
        """The first line in a section so titled (any section if no title is given) that holds the pattern."""
        for section in self._printed.sections:
            if titles and not any(t.casefold() in section.title.casefold() for t in titles):
                continue
            for paragraph in section.paragraphs:
                match = pattern.search(" ".join(paragraph.text.split()))
                if match is not None:
                    return section, paragraph, match
        return None

    def _holds(self, line: int) -> None:
        """This line's fact is in a draft."""
        if self._uses[line - 1] in ("narrative", "unread"):
            self._uses[line - 1] = "fact"

    def _inline(self, item: str, name: str, text: str, where: Field) -> tuple[str | None, str | None]:
        """(text that may stand in the open, digest of the uncut text if it had to be cut); (None, None) if withheld."""
        reason = personal_content(text, self._printed.names)
        if reason is not None:
            self._withheld.append({"item": item, "field": name, "line": where.first, "holds": reason})
            self._mark(where, "fact", "left-out")
            return None, None
        return self._fit(item, name, text, where.first)

    def _mark(self, where: Field, before: Use, after: Use) -> None:
        for at in range(where.first - 1, where.last):
            if self._uses[at] == before:
                self._uses[at] = after

    def _fit(self, item: str, field: str, text: str, line: int) -> tuple[str, str | None]:
        short = text[:MAX_CODE_POINTS].encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
        if short == text:
            return text, None
        full = hashlib.sha256(text.encode()).hexdigest()
        self._cut.append(
            {"item": item, "field": field, "line": line, "code_points": len(text), "kept": len(short), "full": full}
        )
        return short, full

    def _words(self, item: str, text: str, line: int, *, salt: bool) -> tuple[Json, list[dict[str, str]], str | None]:
        """`words` of a statement, its contents, and the digest of the uncut text. Salted if asked or if it names."""
        short, full = self._fit(item, "words", text, line)
        if salt or personal_content(text, self._printed.names) is not None:
            return {"salted_digest": {"$content": 0}}, [{"text": short}], full
        return {"text": short}, [], full

    def _texts(self, item: str, texts: Mapping[str, Field]) -> tuple[Json, str | None]:
        """Those texts of a statement that may stand in the open, and the digest of the first that was cut."""
        body: Json = {}
        fulls: list[str] = []
        for name, field in texts.items():
            if not field.text:
                continue
            short, full = self._inline(item, name, field.text, field)
            if short is not None:
                body[name] = short
            if full is not None:
                fulls.append(full)
        return body, fulls[0] if fulls else None

    def _add(
        self,
        kind: str,
        item: str,
        section: str,
        body: Json,
        *,
        lines: Sequence[int] = (),
        form: str = "verbatim",
        words: str | None = None,
        full: str | None = None,
        speaks_for: str | None = None,
        contents: Sequence[dict[str, str]] = (),
    ) -> bool:
        """Keep a draft. One that has not the shape of its kind is not kept: the import report says why."""
        printed: Json = {"source": self._printed.source, "section": section, "item": item, "form": form}
        if words:
            reason, at = personal_content(words, self._printed.names), lines[0] if lines else 1
            if reason is None:
                printed["words"], cut = self._fit(item, "printed.words", words, at)
                full = full or cut
            else:
                self._withheld.append({"item": item, "field": "printed.words", "line": at, "holds": reason})
        if full is not None:
            printed["full"] = full
        if speaks_for is not None:
            printed["on_behalf_of"] = speaks_for
        name = f"{kind}/{item}"
        if name in self._names:
            self._refused.append({"item": item, "kind": kind, "why": "the item is printed twice"})
            return False
        holds = next((h for text in _strings(body) if (h := personal_content(text, self._printed.names))), None)
        if holds is not None:
            # The last look, whatever the way a text came in: nothing personal stands in the open.
            self._withheld.append({"item": item, "field": kind, "line": lines[0] if lines else 1, "holds": holds})
            return False
        draft = Draft(
            {"kind": kind, "plan": self._plan, "lang": self._lang, "printed": printed} | body, tuple(contents)
        )
        try:
            check_draft(draft)
        except Refused as refused:
            self._refused.append({"item": item, "kind": kind, "why": refused.detail})
            return False
        self._drafts.append(draft)
        self._names.add(name)
        for line in lines:
            self._holds(line)
        return True

    def _expect(self, fact: str, found: object) -> None:
        if not found:
            self._not_found.append(fact)

    # -- in registering order

    def drafts(self) -> list[Draft]:
        if self._drafts:
            return self._drafts
        self._draft_plan()
        self._draft_axes()
        tables = self._tables_once()
        for step in (
            self._draft_commitment,
            self._draft_mechanisms,
            self._draft_level,
            self._draft_date,
            self._draft_next_steps,
            self._draft_evidence,
            self._draft_instruments,
        ):
            for table in tables:
                step(table)
        self._draft_meetings()
        self._draft_remarks()
        self._draft_recommendations()
        self._draft_activities()
        self._draft_context()
        self._draft_round()
        self._draft_figures()
        self._draft_report()
        return self._drafts

    def _tables_once(self) -> list[Table]:
        """The tables; of two with one number the first. The other is left unread: a person must say which it is."""
        once: dict[str, Table] = {}
        for table in self._printed.tables:
            if once.setdefault(table.name, table) is not table:
                self._notes.append(Note("table-twice", table.first, table.name))
                self._mark(Field("", table.first, table.last), "fact", "unread")
        return list(once.values())

    def _draft_plan(self) -> None:
        sent = self._find(phrases.SENT)
        self._expect("plan-title", self._title)
        self._expect("plan-sent", sent)
        if self._title is None:
            return
        starts = parse_date(sent[2]["on"]) if sent else None
        place = sent[0].label if sent else "0"
        self._add(
            "PlanRegistered",
            "plan",
            place,
            {
                "title": self._title[0],
                "country": self._country,
                "cycle": phrases.ORDINALS[self._title["cycle"]],
                "starts": _date(starts or Date("year", f"{self._title['first']}-01-01")),
                "ends": _date(Date("year", f"{self._title['last']}-01-01")),
            },
            lines=[sent[1].line] if sent else [],
            speaks_for=COORDINATOR,
        )
        if sent is not None:
            to = find_actor(sent[2]["to"])
            if to is not None and starts is not None:
                body: Json = {"to": to.actor, "on": _date(starts)}
                self._add("PlanSubmitted", "plan/submitted", place, body, speaks_for=COORDINATOR)
        call = self._find(phrases.CALL)
        self._expect("plan-call", call)
        if call is not None:
            body = {
                "announces": "plan_call",
                "medium": "press",
                "outlet": call[2]["outlet"],
                "on": _date(parse_date(call[2]["on"])),
            }
            self._add("NoticePublished", "plan/call", call[0].label, body, lines=[call[1].line], speaks_for=COORDINATOR)

    def _draft_axes(self) -> None:
        opening = self._printed.sections[0]
        found = [(p, m) for p in opening.paragraphs if (m := phrases.AXIS.fullmatch(p.text))]
        self._expect("axes", found)
        for number, (paragraph, match) in enumerate(found, 1):
            title = " ".join(match["title"].split())
            self._add(
                "AxisDefined",
                f"axis/{number}",
                opening.label,
                {"axis": _slug(title), "title": title},
                lines=[paragraph.line],
                words=match[0],
                speaks_for=COORDINATOR,
            )

    def _id(self, table: Table) -> str:
        return f"{self._plan}/{table.name}"

    def _institution(self, table: Table) -> str:
        field = table.fields.get("institution")
        actor = find_actor(field.text) if field else None
        if actor is not None:
            return actor.actor
        return _slug(field.text) if field and field.text else "unknown"

    def _draft_commitment(self, table: Table) -> None:
        item = table.name
        rows: dict[str, Field] = {}
        for name in ("objective", "description", "relevance", "ambition", "post", "further"):
            field = table.fields.get(name)
            if field is not None:
                text = field.text
                if name == "further":
                    text = without_links(text)
                if name == "post":
                    text = " ".join(text.split())
                rows[name] = Field(text, field.first, field.last)
        texts, full = self._texts(item, rows)
        others: Json = {"government": [], "civil": [], "unlabelled": []}
        row = table.fields.get("others", Field("", table.first, table.first))
        for label in others:
            for name in getattr(table.others, label):
                kept, _ = self._inline(item, f"others.{label}", name, row)
                if kept is not None:
                    others[label].append(kept)
        body: Json = {
            "commitment": self._id(table),
            "number": table.number,
            "proposer": "government" if table.letter == "G" else "civil_society",
            "title": table.title,
            "institution": self._institution(table),
            "others": others,
        }
        if personal_content(table.title, self._printed.names) is not None:
            # A commitment has no life without its title: a person decides.
            self._withheld.append({"item": item, "field": "title", "line": table.first, "holds": "name"})
            return
        self._add("CommitmentRegistered", item, table.section, body | texts, full=full, speaks_for=COORDINATOR)

    def _draft_mechanisms(self, table: Table) -> None:
        for number, mechanism in enumerate(table.mechanisms, 1):
            item = f"{table.name}/mechanism/{number}"
            texts, full = self._texts(item, {"text": mechanism})
            body: Json = {"mechanism": f"{self._id(table)}.M{number}"} | texts
            self._add("MechanismDefined", item, table.section, body, full=full, speaks_for=COORDINATOR)

    def _draft_level(self, table: Table) -> None:
        results = table.fields.get("results")
        if table.level is None:
            # Without a level nothing holds the results: they are for a person to read.
            for name in ("results", "compliance"):
                if name in table.fields:
                    self._mark(table.fields[name], "fact", "unread")
            return
        item = f"{table.name}/completion"
        texts, full = self._texts(item, {"reason": results} if results else {})
        body: Json = {"subject": self._id(table), "level": table.level, "evidence": []}
        self._add(
            "CompletionReported", item, table.section, body | texts, full=full, speaks_for=self._institution(table)
        )

    def _draft_date(self, table: Table) -> None:
        field = table.fields.get("date")
        if field is None:
            return
        body: Json = {"subject": self._id(table), "date": _date(parse_date(field.text))}
        self._add(
            "CompletionDateSet",
            f"{table.name}/date",
            table.section,
            body,
            lines=[field.first],
            words=field.text,
            speaks_for=self._institution(table),
        )

    def _draft_next_steps(self, table: Table) -> None:
        field = table.fields.get("next_steps")
        item = f"{table.name}/next-steps"
        steps: list[Json] = []
        fulls: list[str] = []
        if field is None:
            return
        for number, text in enumerate(entries(field.text), 1):
            short, full = self._inline(item, f"steps.{number}", text, field)
            if short is not None and {"text": short} not in steps:
                steps.append({"text": short})
            if full is not None:
                fulls.append(full)
        if steps:
            body: Json = {"commitment": self._id(table), "steps": steps}
            full = fulls[0] if fulls else None
            self._add("NextStepsSet", item, table.section, body, full=full, speaks_for=self._institution(table))

    def _mechanism_ids(self, table: Table) -> list[str]:
        """What evidence is for: all mechanisms, or the implicit one where none is printed."""
        numbers = range(1, len(table.mechanisms) + 1) if table.mechanisms else [0]
        return [f"{self._id(table)}.M{n}" for n in numbers]

    def _draft_evidence(self, table: Table) -> None:
        for number, link in enumerate(table.links, 1):
            self._add(
                "EvidenceLinked",
                f"{table.name}/evidence/{number}",
                table.section,
                {"for": self._mechanism_ids(table), "url": link.url},
                lines=[link.line],
                words=link.raw,
                speaks_for=self._institution(table),
            )

    def _draft_instruments(self, table: Table) -> None:
        found: dict[tuple[str, str], tuple[Json, int]] = {}
        for name in (*TEXT_ROWS, "next_steps", "further"):
            field = table.fields.get(name)
            for body in phrases.find_instruments(field.text if field else ""):
                key = (body["instrument_type"], fold(body.get("instrument_no", body["title"])))
                if key not in found and field is not None:
                    found[key] = (body, field.first)
                elif "article" in body and key in found:
                    found[key][0].setdefault("article", body["article"])
        for number, (body, line) in enumerate(found.values(), 1):
            self._add(
                "InstrumentCited",
                f"{table.name}/instrument/{number}",
                table.section,
                {"subject": self._id(table)} | body,
                lines=[line],
                speaks_for=self._institution(table),
            )

    def _draft_meetings(self) -> None:
        self._expect("meetings", self._printed.meetings)
        for meeting in self._printed.meetings:
            section = self._section_at(meeting.line)
            self._add(
                "MeetingConvened",
                f"meeting/{meeting.number}",
                section,
                {
                    "meeting": f"{self._plan}-committee-{meeting.number}",
                    "meeting_form": "committee",
                    "number": meeting.number,
                    "starts": _date(meeting.date),
                    "place": meeting.place,
                    "invited": [],
                    "agenda": [],
                },
                lines=[meeting.line],
                words=meeting.words,
                speaks_for=COORDINATOR,
            )

    def _section_at(self, line: int) -> str:
        sections = [s for s in self._printed.sections if s.line <= line]
        return sections[-1].label if sections else "0"

    def _draft_remarks(self) -> None:
        """The committee at which the draft was discussed: it has no number and no place in print."""
        held = self._find(phrases.HELD, "VALIDATION")
        self._expect("last-committee", held)
        if held is None or self._issued is None or self._issued.day is None:
            return
        section, paragraph, match = held
        starts = parse_date(f"{match['month']} {match['day']}, {self._issued.day[:4]}")
        if starts is None or starts.day is None:
            return
        meeting = f"{self._plan}-committee-{starts.day}"
        body: Json = {
            "meeting": meeting,
            "meeting_form": "committee",
            "starts": _date(starts),
            "invited": [],
            "agenda": [],
        }
        self._add(
            "MeetingConvened", "meeting/last", section.label, body, lines=[paragraph.line], form="summary",
            speaks_for=COORDINATOR,
        )  # fmt: skip
        remarks: list[tuple[int, Paragraph, str, str, str]] = []
        for line in section.paragraphs:
            remark = phrases.REMARK.fullmatch(line.text)
            if remark is None:
                continue
            speaker = find_speaker(remark["text"])
            if speaker is None:
                self._notes.append(Note("remark-speaker", line.line))
            else:
                remarks.append((int(remark["number"]), line, remark["text"], *speaker))
        self._expect("remarks", remarks)
        if remarks:
            present = [{"actor": actor, "post": post} for *_, actor, post in remarks]
            self._add(
                "AttendanceRecorded",
                "meeting/last/attendance",
                section.label,
                {"meeting": meeting, "present": [p for i, p in enumerate(present) if p not in present[:i]]},
                form="summary",
                speaks_for=COORDINATOR,
            )
        for number, line, text, actor, post in remarks:
            item = f"meeting/last/remark/{number}"
            words, contents, full = self._words(item, text, line.line, salt=True)
            body = {"meeting": meeting, "speaker": actor, "post": post, "words": words}
            self._add(
                "RemarkRecorded", item, section.label, body, lines=[line.line], full=full, contents=contents,
                speaks_for=COORDINATOR,
            )  # fmt: skip
        for number, line, text, actor, _ in remarks:
            self._draft_of_remark(number, line, text, actor, section)

    def _draft_of_remark(self, number: int, line: Paragraph, text: str, actor: str, section: Section) -> None:
        agenda = phrases.AGENDA.search(text)
        if agenda is not None:
            item = f"meeting/last/remark/{number}/agenda"
            words, contents, full = self._words(item, agenda["text"], line.line, salt=False)
            self._add(
                "AgendaItemProposed", item, section.label, {"words": words}, full=full, contents=contents,
                speaks_for=actor,
            )  # fmt: skip
        if phrases.PARTLY_FUNDED.search(text):
            item = f"meeting/last/remark/{number}/funding"
            quoted = agenda["text"] if agenda else text
            words, contents, full = self._words(item, quoted, line.line, salt=False)
            body: Json = {"funding": "partly_funded", "words": words}
            # "the commitment" of a body that has one only is that one; of several none is named.
            own = [t for t in self._printed.tables if self._institution(t) == actor]
            if len(own) == 1:
                body["subject"] = self._id(own[0])
            self._add("FundingRecorded", item, section.label, body, full=full, contents=contents, speaks_for=actor)
        shadow = phrases.SHADOW.search(text)
        if shadow is not None:
            self._draft_shadow_report(shadow, f"meeting/last/remark/{number}/report", section, line)

    def _draft_shadow_report(self, match: re.Match[str], item: str, section: Section, line: Paragraph) -> None:
        actor = find_actor(match["actor"])
        value, out_of = (phrases.WORD_NUMBERS.get(match[n].casefold()) for n in ("value", "out_of"))
        on = parse_date(f"{match['month']} {self._issued.day[:4]}") if self._issued and self._issued.day else None
        if actor is None or value is None or out_of is None or on is None or on.day is None:
            self._notes.append(Note("shadow-report", line.line))
            return
        name = actor.name_es if self._lang.startswith("es") else actor.name_en
        body: Json = {
            "report": f"{self._plan}-{actor.actor}-{on.day[:7]}",
            "report_form": "shadow",
            "version": 1,
            "title": f"{name}, {match['month']} {on.day[:4]}",
            "on": _date(on),
            "claims": [{"measure": "delayed", "scope": {}, "value": value, "out_of": out_of}],
        }
        self._add("ReportPublished", item, section.label, body, form="summary", speaks_for=actor.actor)

    def _draft_recommendations(self) -> None:
        """The coordinator's account of what it was advised and did: so each is answered as accepted."""
        section = self._printed.section("RECOMMENDATIONS OF THE INDEPENDENT")
        bullets = [(p, m) for p in (section.paragraphs if section else ()) if (m := phrases.BULLET.fullmatch(p.text))]
        self._expect("recommendations", bullets)
        if section is None:
            return
        for number, (paragraph, match) in enumerate(bullets, 1):
            item = f"recommendation/{number}"
            words, contents, full = self._words(item, match["text"], paragraph.line, salt=False)
            kept = self._add(
                "RecommendationMade",
                item,
                section.label,
                {"to": COORDINATOR, "advice_of": "irm", "words": words},
                lines=[paragraph.line],
                form="summary",
                full=full,
                contents=contents,
                speaks_for=COORDINATOR,
            )
            if kept:
                answer: Json = {"answers": [{"$ref": f"RecommendationMade/{item}"}], "disposition": "accepted"}
                self._add(
                    "ResponseGiven", f"{item}/response", section.label, answer, form="summary",
                    speaks_for=COORDINATOR,
                )  # fmt: skip

    def _draft_activities(self) -> None:
        number = 0
        for section in self._printed.sections:
            if not any(words in section.title.upper() for words in ("CREATION PROCESS", "LEARNING AND COLLAB")):
                continue
            for paragraph in section.paragraphs:
                text = " ".join(paragraph.text.split())
                title = phrases.QUOTED.search(text) or phrases.ACTIVITY.search(text)
                days = phrases.DAYS.search(text)
                if title is None or days is None:
                    continue
                number += 1
                self._draft_activity(number, section, paragraph, text, title["title"], days)
        self._expect("activities", number)

    def _draft_activity(
        self, number: int, section: Section, paragraph: Paragraph, text: str, title: str, days: re.Match[str]
    ) -> None:
        item = f"activity/{number}"
        place = phrases.PLACE.search(text)
        words, contents, full = self._words(item, text, paragraph.line, salt=False)
        body: Json = {
            "activity_form": "exchange",
            "title": title[0].upper() + title[1:],
            "words": words,
            "evidence": [],
        }
        if place:
            body["place"] = next(g for g in place.groups() if g)
        if days["bare"]:
            body["first_day"] = _date(parse_date(f"{days['bare']} {days['bare_year']}"))
        else:
            body["first_day"] = _date(parse_date(f"{days['month']} {days['first']}, {days['year']}"))
            if days["last"]:
                body["last_day"] = _date(parse_date(f"{days['month']} {days['last']}, {days['year']}"))
        self._add(
            "ActivityRecorded", item, section.label, body, lines=[paragraph.line], full=full, contents=contents,
            speaks_for=COORDINATOR,
        )  # fmt: skip

    def _draft_context(self) -> None:
        section = self._printed.section("POLITICAL SITUATION")
        title = phrases.CONTEXT_TITLE.search(section.title) if section else None
        self._expect("context", title)
        if section is None or title is None or not section.paragraphs:
            return
        text = "\n".join(p.text for p in section.paragraphs)
        lines = [p.line for p in section.paragraphs]
        words, contents, full = self._words("context", text, lines[0], salt=False)
        first, last = (_date(parse_date(f"{title[name]} {title['year']}")) for name in ("first", "last"))
        body: Json = {"first_day": first, "last_day": last, "words": words}
        self._add(
            "ContextNoted", "context", section.label, body, lines=lines, full=full, contents=contents,
            speaks_for=COORDINATOR,
        )  # fmt: skip
        vacant = self._find(phrases.VACANT, section.title)
        appointed = self._find(phrases.APPOINTED, section.title)
        self._expect("office", vacant)
        if vacant is None:
            return
        match = vacant[2]
        actor = find_actor(match["actor"])
        if actor is None:
            return
        office: Json = {
            "institution": actor.actor,
            "post": appointed[2]["post"] if appointed else match["post"],
            "on": _date(parse_date(f"{match['month']} {match['year']}")),
        }
        self._add("OfficeHolderChanged", "office/1", section.label, office, speaks_for=COORDINATOR)
        if appointed is not None:
            name = " ".join(appointed[2]["name"].split())
            # From when the new holder held the office is not printed.
            office = office | {"on": {"precision": "none"}, "person": {"$content": 0}}
            self._add(
                "OfficeHolderChanged", "office/2", section.label, office, contents=[{"name": name}],
                speaks_for=COORDINATOR,
            )  # fmt: skip

    def _draft_round(self) -> None:
        found = self._find(phrases.DRAFT, "VALIDATION")
        self._expect("round", found)
        if found is None:
            return
        section, paragraph, match = found
        text = " ".join(paragraph.text.split())
        days = [parse_date(f"{match['month']} {match[name]}, {match['year']}") for name in ("first", "last")]
        first, last = (d.day if d else None for d in days)
        if first is None or last is None:
            self._notes.append(Note("round-days", paragraph.line, match[0][-40:]))
            return
        closes = (datetime.fromisoformat(last) + timedelta(days=1)).date().isoformat()
        body: Json = {
            "round": self._round,
            "concerns": "report_draft",
            "version": 1,
            "parts": [],
            "opens": self._when(f"{first}T00:00"),
            "closes": self._when(f"{closes}T00:00"),
            "late": "accept" if re.search(r"\bremains\s+open\b", text) else "refuse",
            "langs": [],
        }
        self._add(
            "RoundOpened", "round", section.label, body, lines=[paragraph.line], speaks_for=COORDINATOR
        )  # fmt: skip
        notice: Json = {"announces": "round", "round": self._round}
        link = next((u for raw in re.findall(r"https?://\S+", text) if (u := parse_link(raw))), None)
        web = notice | {"medium": "web", "on": _date(days[0])} | ({"url": link} if link else {})
        self._add("NoticePublished", "round/notice/web", section.label, web, speaks_for=COORDINATOR)
        if re.search(r"\bby e-?mail\b", text):
            email = notice | {"medium": "email", "on": {"precision": "none"}}
            self._add("NoticePublished", "round/notice/email", section.label, email, speaks_for=COORDINATOR)
        self._draft_comments(section)
        change = self._find(phrases.CHANGE)
        changes: list[Json] = [{"text": change[2]["text"], "comments": []}] if change else []
        # The report itself is the next version of its draft.
        self._add(
            "DocumentPublished",
            "round/document",
            section.label,
            {"round": self._round, "version": 2, "changes": changes},
            lines=[change[1].line] if change else [],
            speaks_for=COORDINATOR,
        )

    def _when(self, local: str) -> str:
        """`YYYY-MM-DDTHH:MM` in the ledger's local time, as an instant in UTC."""
        instant = datetime.fromisoformat(local).replace(tzinfo=self._zone).astimezone(UTC)
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _draft_comments(self, section: Section) -> None:
        self._expect("comments", self._printed.comments)
        for comment in self._printed.comments:
            item = f"comment/{comment.number}"
            reason = personal_content(comment.text, self._printed.names)
            if reason is not None:
                # Not even in the vault: a person who wrote a comment did not sign this record.
                self._withheld.append({"item": item, "field": "text", "line": comment.line, "holds": reason})
                continue
            short, full = self._fit(item, "text", comment.text, comment.line)
            body: Json = {
                "round": self._round,
                "version": 1,
                "about": "whole",
                "salted_digest": {"$content": 0},
                "channel": "report",
                "heard_at": self._when(comment.local),
            }
            self._add("CommentTranscribed", item, section.label, body, full=full, contents=[{"text": short}])

    # -- figures

    def _draft_figures(self) -> None:
        for table in self._printed.tables:
            for name in (*TEXT_ROWS, "further"):
                field = table.fields.get(name)
                if field is not None and field.text:
                    self._draft_phrases(table, field)
        for number, measure in enumerate(self._printed.measures, 1):
            holder = next(
                (t for t in self._printed.tables if any(measure.caption in f.text for f in t.fields.values())), None
            )
            if holder is None or not measure.caption:
                self._notes.append(Note("measure-owner", measure.first))
                continue
            what = re.sub(r"(?i)^evolution of the execution of | from .*$", "", measure.caption)
            parts = [(phrases.EXECUTION_PARTS.get(fold(label), _slug(label)), label) for label, _ in measure.rows]
            indicator = self._indicator(holder, _slug(what), measure.caption, "operations", parts=parts)
            for column, date in enumerate(measure.dates):
                values = [
                    {"part": part, "value": figures[column]}
                    for (part, _), (_, figures) in zip(parts, measure.rows, strict=True)
                ]
                body: Json = {"indicator": indicator, "as_of": _date(date), "values": values}
                item = f"{holder.name}/execution/{number}/{column + 1}"
                section = self._section_at(measure.first)
                self._add("IndicatorMeasured", item, section, body, speaks_for=self._institution(holder))

    def _indicator(
        self, table: Table, name: str, title: str, unit: str, *, parts: Sequence[tuple[str, str]] = ()
    ) -> str:
        indicator = f"{self._plan}-{table.name.lower()}-{name}"[:64].rstrip("-")
        body: Json = {
            "indicator": indicator,
            "subject": self._id(table),
            "title": title,
            "unit": unit,
            "decimals": 0,
        }
        if parts:
            body["parts"] = [{"part": part, "title": label} for part, label in parts]
        item = f"{table.name}/indicator/{name}"
        self._add("IndicatorDefined", item, table.section, body, speaks_for=self._institution(table))
        return indicator

    def _draft_phrases(self, table: Table, field: Field) -> None:
        """Figures that stand in prose, by a small table of phrases."""
        text = " ".join(field.text.split())
        span = phrases.SPAN.search(text)
        when: Json = {"as_of": {"precision": "none"}}
        if span is not None:
            when = {"first_day": _date(parse_date(span["first"])), "last_day": _date(parse_date(span["last"]))}
        found: list[tuple[str, str, str, Json]] = []
        if (m := phrases.BENEFICIARIES.search(text)) is not None:
            value = int(m["value"].replace(",", ""))
            found.append(("beneficiaries", m[0], "persons", when | {"values": [{"value": value}]}))
        if (m := phrases.TERRITORY.search(text)) is not None:
            value = int(m["value"]) * 100
            found.append(("territory", m[0], "bp", when | {"values": [{"value": value}], "out_of": 10000}))
        if (m := phrases.COVERED.search(text)) is not None:
            values: Json = {"values": [{"value": int(m["value"])}], "out_of": int(m["out_of"])}
            found.append((_slug(m["unit"]), m[0], m["unit"], when | values))
        for name, title, unit, body in found:
            self._note_repeated(table, field, name, title)
            indicator = self._indicator(table, name, title, unit)
            self._measure(table, name, indicator, body)
        if (m := phrases.DISTRIBUTED.search(text)) is not None:
            parts = [(_slug(s["title"]), s["title"], int(s["value"])) for s in phrases.SECTOR.finditer(m["parts"])]
            if sum(value for *_, value in parts) != int(m["total"]):
                self._table_notes[table.name].append(Note("figures-sum", field.first, m["total"]))
            indicator = self._indicator(table, _slug(m["unit"]), m["unit"], m["unit"], parts=[p[:2] for p in parts])
            values = {"values": [{"part": part, "value": value} for part, _, value in parts]}
            self._measure(table, _slug(m["unit"]), indicator, {"as_of": _date(parse_date(m["on"]))} | values)

    def _measure(self, table: Table, name: str, indicator: str, body: Json) -> None:
        item = f"{table.name}/measure/{name}"
        self._add(
            "IndicatorMeasured", item, table.section, {"indicator": indicator} | body,
            speaks_for=self._institution(table),
        )  # fmt: skip

    def _note_repeated(self, table: Table, field: Field, name: str, title: str) -> None:
        earlier = self._measured.setdefault((name, title), table.name)
        if earlier != table.name:
            self._table_notes[table.name].append(Note("figure-repeated", field.first, f"{earlier} ({name})"))

    # -- the report as a statement

    def _draft_report(self) -> None:
        tally, issued = self._find(phrases.TALLY), self._find(phrases.ISSUED)
        self._expect("tally", tally)
        self._expect("issue-date", self._issued)
        if tally is not None:
            self._claims = phrases.find_claims(" ".join(tally[1].text.split()))
        if self._issued is None:
            return
        lines = [found[1].line for found in (tally, issued) if found is not None]
        section = self._section_at(lines[0])
        title = self._title[0] if self._title else self._plan
        body: Json = {
            "report": f"{self._plan}-self-assessment-midterm",
            "report_form": "self_assessment_midterm",
            "version": 1,
            "title": f"Mid-term self-assessment, {title}",
            "on": _date(self._issued),
            "claims": self._claims,
        }
        self._add(
            "ReportPublished", "report", section, body, lines=lines, form="summary", speaks_for=COORDINATOR
        )  # fmt: skip

    # -- what happened

    def report(self) -> Json:
        """The import report: plain JSON. Call after `drafts`."""
        printed = self._printed
        kinds = Counter(d.statement["kind"] for d in self._drafts)
        boxes = Counter(t.level or "unread" for t in printed.tables)
        claimed = {c["scope"]["level"]: c["value"] for c in self._claims if c["measure"] == "level_count"}
        self._note_repeated_texts()
        return {
            "source": {"digest": printed.source, "lines": len(printed.lines)},
            "plan": self._plan,
            "counts": {
                "statements": len(self._drafts),
                "by_kind": dict(sorted(kinds.items())),
                "contents": sum(len(d.contents) for d in self._drafts),
            },
            "lines": dict(sorted(Counter(self._uses).items())),
            "unread": self._unread(),
            "tables": [self._table_report(t) for t in printed.tables],
            "tally": {
                "boxes": dict(sorted(boxes.items())),
                "claimed": dict(sorted(claimed.items())),
                "agree": bool(claimed) and all(boxes.get(level, 0) == n for level, n in claimed.items()),
            },
            "actors": self._actors_report(),
            "withheld": self._withheld,
            "cut": self._cut,
            "refused": self._refused,
            "not_found": self._not_found,
            "notes": [_note_json(n) for n in sorted(self._notes, key=lambda n: n.line)],
        }

    def _unread(self) -> list[Json]:
        """Lines that no fact holds: prose of a named section, or lines that no rule knows."""
        found: list[Json] = []
        for at, use in enumerate(self._uses, 1):
            if use not in ("narrative", "unread"):
                continue
            start = " ".join(self._printed.lines[at - 1].split())[:60]
            if personal_content(start, self._printed.names) or any(
                fold(start) and fold(name).split()[-1] in fold(start).split() for name in self._printed.names
            ):
                start = "…"
            found.append({"line": at, "section": self._section_at(at), "why": use, "start": start})
        return found

    def _table_report(self, table: Table) -> Json:
        date = table.fields.get("date")
        links = len(table.links)
        return {
            "table": table.name,
            "lines": [table.first, table.last],
            "title": table.title,
            "institution": self._institution(table),
            "level": table.level,
            "date": _date(parse_date(date.text)) if date else None,
            "read": [name for name in table.fields if name not in table.empty],
            "missing": list(table.missing),
            "empty": list(table.empty),
            "links": links,
            "mechanisms": len(table.mechanisms),
            "notes": [_note_json(n) for n in sorted(self._table_notes[table.name], key=lambda n: n.line)],
        }

    def _note_repeated_texts(self) -> None:
        """A text that another table has under another label stands in the wrong row of one of the two."""
        first: dict[str, tuple[str, str]] = {}
        for table in self._printed.tables:
            for name in (*TEXT_ROWS, "next_steps"):
                field = table.fields.get(name)
                key = fold(field.text) if field else ""
                if field is None or len(key) < 20:
                    continue
                earlier = first.setdefault(key, (table.name, name))
                if earlier[0] != table.name:
                    code = "text-repeated" if earlier[1] == name else "text-of-other-row"
                    self._table_notes[table.name].append(Note(code, field.first, f"{name} = {earlier[0]} {earlier[1]}"))

    def _actors_report(self) -> Json:
        used: dict[str, None] = {}
        for draft in self._drafts:
            body = draft.statement
            for name in ("institution", "to", "speaker", "advice_of"):
                if name in body:
                    used.setdefault(body[name])
            used.setdefault(body["printed"].get("on_behalf_of", COORDINATOR))
            for attendee in body.get("present", ()):
                used.setdefault(attendee["actor"])
        known = {a.actor: a for a in ACTORS}
        named: dict[str, list[str]] = {}
        for table in self._printed.tables:
            for group in (table.others.government, table.others.civil, table.others.unlabelled):
                for name in group:
                    if find_actor(name) is None and personal_content(name, self._printed.names) is None:
                        named.setdefault(name, []).append(table.name)
        return {
            "needed": [
                {
                    "actor": slug,
                    "form": known[slug].form if slug in known else "institution",
                    "name": known[slug].name_es if slug in known else slug,
                    "known": slug in known,
                }
                for slug in sorted(used)
            ],
            "named_only": [{"name": name, "tables": tables} for name, tables in sorted(named.items())],
        }


def _date(date: Date | None) -> Json:
    if date is None or date.day is None:
        return {"precision": "none"}
    return {"day": date.day, "precision": date.precision}


def _strings(value: Any) -> Iterator[str]:
    """Every text inside a statement."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in cast("Json", value).values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in cast("list[Any]", value):
            yield from _strings(member)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(text).encode("ascii", "ignore").decode()).strip("-")[:64].rstrip("-") or "x"


def _note_json(note: Note) -> Json:
    return {"code": note.code, "line": note.line} | ({"detail": note.detail} if note.detail else {})
