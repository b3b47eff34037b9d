"""For maintainers: makes plan.json from the published report and from sentences_es.json (see README.md).

    python -m api.demo.make_plan REPORT

The importer reads the report; this script keeps the facts of its drafts (numbers, levels, dates, addresses, counts)
and puts our own Spanish sentences where the report has prose. A sentence that is missing in sentences_es.json is an
error that names it, so no sentence of the report can slip through.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from api.importer import Draft, check_draft, draft_statements, encode_drafts
from api.report_reader import read_report

HERE: Final = Path(__file__).parent
LANG: Final = "es"

Json = dict[str, Any]

# What a statement of the demonstration holds besides the common fields: facts as they are, nothing else.
_FACTS: Final[dict[str, tuple[str, ...]]] = {
    "PlanRegistered": ("country", "cycle", "starts", "ends"),
    "PlanSubmitted": ("to", "on"),
    "NoticePublished": ("announces", "round", "medium", "outlet", "on", "url"),
    "AxisDefined": ("axis",),
    "CommitmentRegistered": ("commitment", "number", "proposer", "institution"),
    "MechanismDefined": ("mechanism",),
    "CompletionReported": ("subject", "level", "evidence"),
    "CompletionDateSet": ("subject", "date"),
    "NextStepsSet": ("commitment",),
    "EvidenceLinked": ("for", "url"),
    "InstrumentCited": ("subject", "instrument_type", "instrument_no"),
    "MeetingConvened": ("meeting", "meeting_form", "number", "starts", "invited", "agenda"),
    "AttendanceRecorded": ("meeting",),
    "RemarkRecorded": ("meeting", "speaker"),
    "AgendaItemProposed": (),
    "FundingRecorded": ("subject", "funding"),
    "RecommendationMade": ("to", "advice_of"),
    "ResponseGiven": ("answers", "disposition"),
    "ActivityRecorded": ("activity_form", "first_day", "last_day", "evidence"),
    "ContextNoted": ("first_day", "last_day"),
    "OfficeHolderChanged": ("institution", "on", "person"),
    "RoundOpened": ("round", "concerns", "version", "parts", "opens", "closes", "late"),
    "DocumentPublished": ("round", "version"),
    "CommentTranscribed": ("round", "version", "about", "salted_digest", "channel", "heard_at"),
    "IndicatorDefined": ("indicator", "subject", "decimals"),
    "IndicatorMeasured": ("indicator", "as_of", "first_day", "last_day", "values", "out_of"),
    "ReportPublished": ("report", "report_form", "version", "on", "claims"),
}
_WHOLLY_FACTS: Final = ("PlanSubmitted", "NoticePublished", "CompletionDateSet", "EvidenceLinked", "IndicatorMeasured")


class Retelling:
    """Drafts of the report, told again with the sentences of one language."""

    def __init__(self, sentences: Json) -> None:
        self._texts: dict[str, dict[str, str]] = sentences["texts"]
        self._names: dict[str, str] = sentences["names"]

    def draft(self, told: Draft) -> Draft:
        """The same fact in our words. Raises KeyError for a sentence or name that is missing."""
        old = told.statement
        kind, item = old["kind"], old["printed"]["item"]
        new: Json = {"kind": kind, "plan": old["plan"], "lang": LANG, "printed": self._printed(old)}
        new |= {name: copy.deepcopy(old[name]) for name in _FACTS[kind] if name in old}
        contents = self._tell(kind, item, old, new)
        draft = Draft(new, contents)
        check_draft(draft)
        return draft

    def _printed(self, old: Json) -> Json:
        kind, printed = old["kind"], old["printed"]
        kept = {name: printed[name] for name in ("source", "section", "item")}
        kept["form"] = "verbatim" if kind in _WHOLLY_FACTS else "summary"
        # Printed titles and dates are facts, and so is an address that had to be mended.
        if kind in ("PlanRegistered", "AxisDefined", "CommitmentRegistered"):
            kept["words"] = old["title"]
        if kind == "CompletionDateSet" and old["date"]["precision"] != "none":
            kept["words"] = " ".join(printed["words"].split())
        if kind == "EvidenceLinked" and printed["words"] != old["url"]:
            kept["words"] = printed["words"]
        if "on_behalf_of" in printed:
            kept["on_behalf_of"] = printed["on_behalf_of"]
        return kept

    def _tell(self, kind: str, item: str, old: Json, new: Json) -> tuple[dict[str, str], ...]:
        """Put our sentences into `new`; the contents that go with it."""
        if kind in ("PlanRegistered", "AxisDefined", "ReportPublished"):
            new["title"] = self._texts[item]["title"]
        elif kind == "CommitmentRegistered":
            self._tell_commitment(item, old, new)
        elif kind == "MechanismDefined":
            new["text"] = self._texts[item]["text"]
        elif kind == "CompletionReported":
            new["reason"] = self._texts[item.removesuffix("/completion")]["reason"]
        elif kind == "NextStepsSet":
            # The printed lists are told shorter, so that ours may have fewer steps. The importer reads no due dates.
            new["steps"] = [{"text": text} for text in self._texts[item.removesuffix("/next-steps")]["steps"]]
        elif kind == "InstrumentCited":
            new["title"] = self._names[old["title"]]
            new["parties"] = [self._names[party] for party in old["parties"]]
            if "article" in old:
                article: str = old["article"]
                new["article"] = article if article.isdigit() else self._names[article]
        elif kind == "MeetingConvened" and "place" in old:
            new["place"] = self._names[old["place"]]
        elif kind == "AttendanceRecorded":
            new["present"] = [one | {"post": self._names[one["post"]]} for one in old["present"]]
        elif kind == "RemarkRecorded":
            new["post"] = self._names[old["post"]]
            new["words"] = old["words"]
            return ({"text": self._texts[item]["words"]},)
        elif kind in ("AgendaItemProposed", "FundingRecorded", "RecommendationMade", "ContextNoted"):
            new["words"] = {"text": self._texts[item]["words"]}
        elif kind == "ActivityRecorded":
            new["title"] = self._texts[item]["title"]
            if "place" in old:
                new["place"] = self._names[old["place"]]
        elif kind == "OfficeHolderChanged":
            new["post"] = self._names[old["post"]]
            return ({"name": self._texts[item]["name"]},) if "person" in old else ()
        elif kind == "RoundOpened":
            new["langs"] = [LANG]
        elif kind == "DocumentPublished":
            new["changes"] = [{"text": self._texts[item]["change"], "comments": []}]
        elif kind == "CommentTranscribed":
            return ({"text": self._texts[item]["text"]},)
        elif kind == "IndicatorDefined":
            new |= {name: self._texts[item][name] for name in ("title", "unit")}
            if "parts" in old:
                new["parts"] = [part | {"title": self._names[part["title"]]} for part in old["parts"]]
        return ()

    def _tell_commitment(self, item: str, old: Json, new: Json) -> None:
        texts = self._texts[item]
        new["title"], new["objective"] = texts["title"], texts["objective"]
        new["post"] = self._names[old["post"]]
        # Where the report prints a sentence instead of names, we have one of our own.
        new["others"] = {
            label: [texts[label]] if label in texts else [self._names[name] for name in old["others"][label]]
            for label in ("government", "civil", "unlabelled")
        }


def make_plan(report: bytes, sentences: Json) -> str:
    """The text of plan.json: one statement a line. Raises CannotRead for a file that is no report."""
    drafts, _ = draft_statements(read_report(report))
    retelling = Retelling(sentences)
    told = [retelling.draft(draft) for draft in drafts]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in encode_drafts(told))
    return f'{{"statements": [\n{lines}\n]}}\n'


def main(arguments: Sequence[str]) -> int:
    """Write plan.json from the report at `arguments[0]`."""
    if len(arguments) != 1:
        print("usage: python -m api.demo.make_plan REPORT", file=sys.stderr)
        return 2
    sentences = json.loads((HERE / "sentences_es.json").read_text(encoding="utf-8"))
    text = make_plan(Path(arguments[0]).read_bytes(), sentences)
    (HERE / "plan.json").write_text(text, encoding="utf-8")
    print(f"plan.json: {text.count(chr(10)) - 2} statements")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
