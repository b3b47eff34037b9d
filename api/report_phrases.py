"""The phrases by which facts are found in the report's prose, as regular expressions with named groups.

They fit the English of the one known report and are as wide as that allows. A phrase that is not found is said so in
the import report; a sentence that none of them fits stays listed as prose without facts.
"""

from __future__ import annotations

import re
from typing import Any, Final

Json = dict[str, Any]

_MONTH: Final = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_FULL_DATE: Final = rf"{_MONTH}\s+\d{{1,2}}\s*,\s*\d{{4}}"

# The plan: its title, when it was sent, the public call, the axes.
ORDINALS: Final = {word: n for n, word in enumerate(("First", "Second", "Third", "Fourth", "Fifth", "Sixth"), 1)}
PLAN_TITLE = re.compile(
    rf"(?P<cycle>{'|'.join(ORDINALS)}) National Action Plan for Open Government\s+(?P<first>\d{{4}})-(?P<last>\d{{4}})"
)
SENT = re.compile(rf"was sent to the (?P<to>[A-Z][\w ]+?) on (?P<on>{_FULL_DATE})")
CALL = re.compile(
    rf"public call was made in\s+(?:the\s+)?newspaper\s+(?P<outlet>[A-Z][\w ]+?), on (?P<on>{_FULL_DATE})"
)
AXIS = re.compile(r"[·•]\s*(?P<title>[A-Z][^:.]{3,100}):\s+\S.*")
BULLET = re.compile(r"[·•]\s*(?P<text>\S.*)")

# An instrument is a type and a number (`Decree No. 101-97`), with the name in brackets that may follow it.
_INSTRUMENT = re.compile(
    r"\b(?P<type>(?:Internal |Government |Ministerial )?Agreement|Decree|Resolution)\s+(?:(?:No\.|[Nn]umber)\s*)?"
    r"(?P<number>\d{1,4}-\d{2,4})(?P<of> of the (?:Congress of the Republic|Ministry of Public Finance|"
    r"National Council of Urban and Rural Development))?(?P<name> \([A-Z][^()\d]{4,120}\))?"
)
_ARTICLE = re.compile(
    r"\b[Aa]rticles? (?P<article>\d+(?: ?(?:[Bb]is|[Tt]er)\b)?+(?:(?:, | and )\d+(?: ?(?:[Bb]is|[Tt]er)\b)?+)*+)"
    r"(?:,? of (?:the )?[^.;()]{0,40}?|, |\b[^.;()]{0,40}? of )$"
)
_CONSTITUTION = re.compile(r"Article (?P<article>\d+) of the (?P<title>Political Constitution of the Republic)")
_CONVENTION = re.compile(r"(?P<title>Inter-American Convention [Aa]gainst Corruption)")
_BETWEEN = re.compile(
    r"(?P<title>(?:bilateral )?agreements?(?: was made)? between (?P<parties>[^.;]{8,300}?))(?= were | was | has )"
    r"|(?P<made>agreements?(?: was made)? between (?P<parties_made>[^.;]{8,200}?))(?=\.)",
    re.IGNORECASE,
)
_INSTRUMENT_TYPES: Final = {"Decree": "decree", "Resolution": "resolution"}

# Figures, with the span of time in the same text.
SPAN = re.compile(rf"[Ff]rom (?P<first>(?:{_MONTH} )?\d{{4}}) to (?P<last>(?:{_MONTH} )?\d{{4}})")
BENEFICIARIES = re.compile(r"total coverage of (?P<value>[\d,]+) beneficiaries")
TERRITORY = re.compile(r"(?P<value>\d{1,3})% of the national territory was covered")
COVERED = re.compile(r"(?P<value>\d+) of (?P<out_of>\d+) of the (?P<unit>[A-Z][\w]+(?: [A-Z][\w]+)+)")
DISTRIBUTED = re.compile(
    rf"in (?P<on>{_MONTH},? \d{{4}}), +(?P<total>\d+) (?P<unit>[a-z ]+?) +were held, "
    r"distributed as follows: (?P<parts>.*)"
)
SECTOR = re.compile(
    r"(?P<value>\d+)(?: Technical Committees?)? for the (?P<title>[A-Z][\w-]+(?: [A-Z][\w-]+)?) (?:Sector|Technical)"
)
EXECUTION_PARTS: Final = {
    "iniciando ejecucion": "starting",
    "eficientes": "efficient",
    "regulares": "regular",
    "deficientes": "deficient",
    "ejecutan intereses": "interest-only",
}

# The tally that the report claims.
TALLY = re.compile(
    r"(?P<value>\d+) (?:have|has)(?: an?)? (?P<level>limited|considerable|substantial|full) [^,]{0,40}?,\s*"
    r"which (?:is|corresponds to)\s+(?P<whole>\d{1,3})\.(?P<part>\d{2}) ?%"
)
_TALLY_OF = re.compile(r"of the (?P<out_of>\d+) commitments")
_TALLY_LEVELS: Final = {
    "limited": "limited", "considerable": "substantial", "substantial": "substantial", "full": "complete",
}  # fmt: skip
WORD_NUMBERS: Final = {
    word: n
    for n, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
        )
    )
}  # fmt: skip

# What happened around the plan: the political context, an office, activities with other countries.
CONTEXT_TITLE = re.compile(
    rf"POLITICAL SITUATION FROM (?P<first>{_MONTH}) TO (?P<last>{_MONTH}) (?P<year>\d{{4}})", re.I
)
VACANT = re.compile(
    rf"from (?P<month>{_MONTH}) to {_MONTH} (?P<year>\d{{4}}), the (?P<actor>[A-Z][\w ]+?),.*? did not have higher "
    r"authority, because of the removal from office of the former (?P<post>\w+)"
)
APPOINTED = re.compile(
    r"former (?P<post>[A-Z]\w+ of [A-Z]\w+), [^,]+, who was replaced by (?:Licenciad[oa]|Mr\.|Ms\.|Dr\.)\s+"
    r"(?P<name>(?:[A-ZÁÉÍÓÚÑ][\wáéíóúñ]+\s*){2,5}), who currently holds the position"
)
ACTIVITY = re.compile(
    r"\b(?P<title>(?:(?:[A-Z][\w-]+|regional|international) ){0,6}"
    r"(?:Symposium|Seminar|seminar|teleconference|event|on-site visit)\b"
    r"(?: (?:of|on) [^,.;]*?)?)(?=,| held| which| was| for |\.|;)"
)
QUOTED = re.compile(r"[\"“](?P<title>[^\"“”]{8,200})[\"”]")
DAYS = re.compile(
    rf"(?P<month>{_MONTH})\s+(?P<first>\d{{1,2}})(?:(?:-|\s+and\s+|\s+to\s+)(?P<last>\d{{1,2}}))?\s*,\s*(?P<year>\d{{4}})"
    rf"|\b(?P<bare>{_MONTH}),?\s+(?P<bare_year>\d{{4}})"
)
PLACE = re.compile(
    r"held in (?P<place>[A-Z]\w+(?: [A-Z]\w+)*(?:, [A-Z]\w+)?)|in the (?P<city>city of [A-Z]\w+)|"
    r"\d{4} in (?P<after>[A-Z]\w+(?:, [A-Z]\w+)?)"
)

# The consultation of the draft, the meeting about it, and what was said there.
DRAFT = re.compile(
    rf"draft of the (?P<what>[\w-]+ report).*?for a (?P<weeks>\d+) week period from (?P<month>{_MONTH}) "
    r"(?P<first>\d{1,2})-(?P<last>\d{1,2}), (?P<year>\d{4})"
)
ISSUED = re.compile(rf"^[A-Z]\w+, {_FULL_DATE}\.?$")
CHANGE = re.compile(r"essential to include in the self-assessment report, (?P<text>a summary of [^;]{10,300})")
HELD = re.compile(rf"on (?P<month>{_MONTH}) (?P<day>\d{{1,2}}), a Technical Committee of Open Government")
REMARK = re.compile(r"(?P<number>\d{1,2})\)\s+(?P<text>\S.*)")
AGENDA = re.compile(r"adding items to the agenda.*?[\"“](?P<text>[^\"“”]{5,300})[\"”]")
PARTLY_FUNDED = re.compile(r"partially (?:un)?funded")
SHADOW = re.compile(
    rf"in (?P<month>{_MONTH}), (?P<actor>[A-Z]\w+) published a report in which a delay in (?P<value>\w+) of the "
    r"(?P<out_of>\w+) commitments"
)


def find_instruments(text: str) -> list[Json]:
    """The laws, decrees, resolutions and agreements that a text names."""
    flat = " ".join(text.split())
    found: list[Json] = []
    for match in _INSTRUMENT.finditer(flat):
        kind = _INSTRUMENT_TYPES.get(match["type"], "agreement")
        body: Json = {
            "instrument_type": kind,
            "instrument_no": match["number"],
            "title": match[0],
            "parties": [],
        }
        article = _ARTICLE.search(flat[max(0, match.start() - 120) : match.start()])
        if article is not None:
            body["article"] = article["article"]
        found.append(body)
    for match in _CONSTITUTION.finditer(flat):
        found.append({"instrument_type": "law", "title": match["title"], "article": match["article"], "parties": []})
    for match in _CONVENTION.finditer(flat):
        found.append({"instrument_type": "agreement", "title": match["title"], "parties": []})
    for match in _BETWEEN.finditer(flat):
        parties = match["parties"] or match["parties_made"]
        names = [re.sub(r"^(?:and )?(?:the )?", "", p).strip() for p in re.split(r", | and (?=[A-Zt])", parties)]
        title = match["title"] or match["made"]
        found.append({"instrument_type": "agreement", "title": title, "parties": [n for n in names if n]})
    return found


def find_claims(text: str) -> list[Json]:
    """The narrative's own tally: counts by level and the printed percents, most complete first."""
    whole = _TALLY_OF.search(text)
    out_of = int(whole["out_of"]) if whole else None
    counts: list[Json] = []
    shares: list[Json] = []
    order = {"complete": 0, "substantial": 1, "limited": 2}
    for match in sorted(TALLY.finditer(text), key=lambda m: order[_TALLY_LEVELS[m["level"]]]):
        scope = {"level": _TALLY_LEVELS[match["level"]]}
        count: Json = {"measure": "level_count", "scope": scope, "value": int(match["value"])}
        counts.append(count | ({"out_of": out_of} if out_of else {}))
        points = int(match["whole"]) * 100 + int(match["part"])
        shares.append({"measure": "level_share_bp", "scope": scope, "value": points, "out_of": 10000})
    return counts + shares
