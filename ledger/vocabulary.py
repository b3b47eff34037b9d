"""Every kind of statement: one tagged union of frozen structs, and all that a kind says about itself.

A statement is one JSON object (FORMAT.md, "Statement"). Its `kind` is a past-tense fact. A kind's class holds

* its fields and their types (the catalogue: FORMAT.md, "Kinds");
* `signed_by`: who signs it, in the catalogue's own words ("registrar*2", "coordinator or institution");
* `importable`: whether the importer may state it "as printed";
* `unless_printed`: fields that may be absent if and only if `printed` is present (the catalogue's mark °);
* `refs`: fields that name an earlier statement, with the kinds that they may name;
* `stream_template`: the stream in the journal that it belongs to, where the general rule does not say so.

To add a kind: write its class here and add it to AnyStatement; if it has a rule of its own, add that to
`ledger.rulebook`. Nothing else in the record needs to know. A changed shape is a new kind with a new name: old kinds
stay readable for ever, and no field ever gets a default value.

This module knows shapes only. Whether a statement may be registered is the rulebook's question.
"""

from datetime import date
from functools import cache
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

# --- scalar types --------------------------------------------------------------------------------------------------
# msgspec *searches* a pattern, so each is anchored with \A and \Z ($ also matches before a final newline), and digits
# are written [0-9] because \d also matches the digits of other scripts.

_SLUG = r"[a-z0-9][a-z0-9-]{0,63}"
_COMMITMENT = _SLUG + r"/[A-Z]{1,2}[1-9][0-9]{0,2}"
_MECHANISM = _COMMITMENT + r"\.M(?:0|[1-9][0-9]?)"
_LEAP_YEAR = r"(?:(?!0000)(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00))"
_DAY = (  # a day that the calendar has, year 0001 to 9999
    r"(?:(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"

# A title is the type's name in FORMAT.md.
Slug = Annotated[str, Meta(title="slug", pattern=rf"\A{_SLUG}\Z")]
CommitmentId = Annotated[str, Meta(title="commitment id", pattern=rf"\A{_COMMITMENT}\Z")]
MechanismId = Annotated[str, Meta(title="mechanism id", pattern=rf"\A{_MECHANISM}\Z")]
Subject = Annotated[str, Meta(title="subject", pattern=rf"\A{_COMMITMENT}(?:\.M(?:0|[1-9][0-9]?))?\Z")]
About = Annotated[str, Meta(title="about", pattern=rf"\A(?:{_SLUG}|{_COMMITMENT}(?:\.M(?:0|[1-9][0-9]?))?)\Z")]
_HEX64 = r"\A[0-9a-f]{64}\Z"
Key = Annotated[str, Meta(title="key", pattern=_HEX64)]  # the raw Ed25519 public key
Ref = Annotated[str, Meta(title="ref", pattern=_HEX64)]  # identity of an earlier statement
Digest = Annotated[str, Meta(title="digest", pattern=_HEX64)]  # SHA-256 of a file's bytes
SaltedDigest = Annotated[str, Meta(title="salted digest", pattern=_HEX64)]
Claim = Annotated[str, Meta(title="claim", pattern=_HEX64)]
Secret = Annotated[str, Meta(title="secret", pattern=_HEX64)]
# At least one character that is not ASCII space, tab or newline. Types count code points; the limit in bytes is
# checked where the line is decoded.
Text = Annotated[str, Meta(title="text", min_length=1, max_length=4000, pattern=r"[^ \t\n]")]
When = Annotated[str, Meta(title="when", pattern=rf"\A{_DAY}T{_CLOCK}Z\Z")]
Day = Annotated[str, Meta(title="day", pattern=rf"\A{_DAY}\Z")]
_WEEK = r"\A(?!0000)[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])\Z"
Week = Annotated[str, Meta(title="week", pattern=_WEEK)]  # ISO 8601
Url = Annotated[str, Meta(title="url", min_length=8, max_length=2048, pattern=r"\Ahttps?://[!#-;=?-\[\]-~]+\Z")]
Lang = Annotated[str, Meta(title="lang", pattern=r"\A[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}\Z")]
Country = Annotated[str, Meta(title="country", pattern=r"\A[A-Z]{2}\Z")]
_MEDIA_PART = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
MediaType = Annotated[str, Meta(title="media type", max_length=127, pattern=rf"\A{_MEDIA_PART}/{_MEDIA_PART}\Z")]
Name = Annotated[str, Meta(title="name", pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
PrintedItem = Annotated[str, Meta(title="printed item", pattern=r"\A[A-Za-z0-9][A-Za-z0-9._/-]{0,127}\Z")]
# A schema-less URL: host, optional port, at least one path segment.
_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?"
Origin = Annotated[str, Meta(title="origin", max_length=255, pattern=rf"\A{_HOST}(?:/[a-z0-9][a-z0-9._~-]*)+\Z")]
# A key as C2SP's signed notes write it; its id and its type are the rulebook's question.
_VKEY = r"\A[!-*,-~]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{42,1752}={0,2}\Z"
Vkey = Annotated[str, Meta(title="vkey", pattern=_VKEY)]

# What a pattern asks for, for the message of a refusal.
FORM_IN_WORDS: dict[str, str] = {
    rf"\A{_SLUG}\Z": "not a short name: lower-case letters, digits and hyphens, at most 64, such as `copret`",
    rf"\A{_COMMITMENT}\Z": "not a commitment id such as `gt-2014-2016/C8`",
    rf"\A{_MECHANISM}\Z": "not a mechanism id such as `gt-2014-2016/C8.M1`",
    rf"\A{_COMMITMENT}(?:\.M(?:0|[1-9][0-9]?))?\Z": "not a commitment or mechanism id such as `gt-2014-2016/C8.M1`",
    r"\A[0-9a-f]{64}\Z": "not 64 lower-case hexadecimal digits",
    _VKEY: "not a key as `name+id+key`, such as a witness publishes it",
    r"[^ \t\n]": "a text needs a character that is not a space",
    rf"\A{_DAY}T{_CLOCK}Z\Z": "not a time that exists, of the form 2026-11-22T08:14:00Z",
    rf"\A{_DAY}\Z": "not a day that exists, of the form 2026-11-22",
    _WEEK: "not a week of the form 2026-W47",
    r"\Ahttps?://[!#-;=?-\[\]-~]+\Z": "not an http:// or https:// address in printable ASCII (others percent-encoded)",
}

MAX_INTEGER = 2**53 - 1
MAX_TEXT_BYTES = 8192

Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Value = Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Positive = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Version = Annotated[int, Meta(ge=1, le=9999)]
Number = Annotated[int, Meta(ge=1, le=999)]

Role = Literal[
    "registrar",
    "coordinator",
    "institution",
    "assessor",
    "irm",
    "citizen",
    "moderator",
    "capturer",
    "transcriber",
    "importer",
    "holder",
    "recovery",
]
Form = Literal["institution", "organisation", "office", "program"]
Level = Literal["no_evidence_available", "not_started", "limited", "substantial", "complete"]
Proposer = Literal["government", "civil_society"]
Position = Literal["for", "against", "neutral"]
Ground = Literal["personal_data", "hate", "threat", "spam", "illegal", "rights_of_others", "court_order"]
Store = Literal["vault", "backups", "mirrors"]

LEVEL_ORDINAL: dict[str, int] = {
    "no_evidence_available": 0,
    "not_started": 0,
    "limited": 1,
    "substantial": 2,
    "complete": 3,
}


def _without_equal_members(members: tuple[object, ...], name: str) -> None:
    if len(members) != len(set(members)):
        raise ValueError(f"`{name}` holds the same member twice")


# --- objects inside a statement ------------------------------------------------------------------------------------


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """An object inside a statement. Lists hold 0 to 256 members unless the field says otherwise, none twice.

    `gc=False`: what is frozen holds only what was there before it, so it is in no circle, and Python's search for
    garbage, which costs a replay as much as its rules, need not look at it.
    """

    def __post_init__(self) -> None:
        lists, checks = _duties(type(self))
        for name in lists:
            members = getattr(self, name)
            if members is not UNSET and len(members) > 1:
                _without_equal_members(members, name)
        if checks:
            self.check()

    def check(self) -> None:
        """What types cannot say. Raises ValueError with the reason."""


@cache
def _duties(shape: type[Shape]) -> tuple[tuple[str, ...], bool]:
    """What is left to check after decoding: the fields that hold lists (`by` has a check of its own), and `check`."""
    described = msgspec.inspect.type_info(shape)
    assert isinstance(described, msgspec.inspect.StructType)
    names: list[str] = []
    for field in described.fields:
        kind = field.type
        options = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
        if any(isinstance(option, msgspec.inspect.VarTupleType) for option in options) and field.name != "by":
            names.append(field.name)
    return tuple(names), shape.check is not Shape.check


class Signer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """One signer, in the order of the signature lines. A citizen and a recovery key have no actor."""

    actor: Slug | UnsetType = UNSET
    key: Key
    role: Role


class Printed(Shape, frozen=True, kw_only=True):
    """Where an imported statement stands in its source. `words` are the source's own, `full` the uncut text's."""

    source: Digest
    section: Text
    item: PrintedItem
    form: Literal["verbatim", "summary"]
    words: Text | UnsetType = UNSET
    full: Digest | UnsetType = UNSET
    on_behalf_of: Slug | UnsetType = UNSET


class Words(Shape, frozen=True, kw_only=True):
    """Words in the open, or in the vault under a salted digest. What names a person is salted."""

    text: Text | UnsetType = UNSET
    salted_digest: SaltedDigest | UnsetType = UNSET

    def check(self) -> None:
        if (self.text is UNSET) == (self.salted_digest is UNSET):
            raise ValueError("words are either `text` or `salted_digest`")


class Date(Shape, frozen=True, kw_only=True):
    """A day, month or year, as precise as it was said; `none` where only words were said. `day` is the first day."""

    precision: Literal["day", "month", "year", "none"]
    day: Day | UnsetType = UNSET

    def check(self) -> None:
        if (self.day is UNSET) != (self.precision == "none"):
            raise ValueError("a date has a `day` if and only if its precision is not `none`")
        if isinstance(self.day, str) and (
            (self.precision == "month" and self.day[8:] != "01")
            or (self.precision == "year" and self.day[5:] != "01-01")
        ):
            raise ValueError(f"the `day` of a {self.precision} is its first day")


class Registrar(Shape, frozen=True, kw_only=True):
    """A registrar at the founding."""

    actor: Slug
    name: Text
    form: Form
    of: Slug | UnsetType = UNSET
    key: Key


class Recovery(Shape, frozen=True, kw_only=True):
    """Keys that may replace a registrar, and nothing else, `threshold` of them together."""

    keys: Annotated[tuple[Key, ...], Meta(min_length=2, max_length=16)]
    threshold: Annotated[int, Meta(ge=2, le=16)]

    def check(self) -> None:
        if len(self.keys) < self.threshold:
            raise ValueError("fewer recovery keys than their threshold")


_Scope256 = Annotated[tuple[Slug, ...], Meta(min_length=1, max_length=256)]


class GrantScope(Shape, frozen=True, kw_only=True):
    """What a grant covers. An absent field does not restrict."""

    plans: _Scope256 | UnsetType = UNSET
    institution: Slug | UnsetType = UNSET
    commitments: Annotated[tuple[CommitmentId, ...], Meta(min_length=1, max_length=256)] | UnsetType = UNSET
    rounds: _Scope256 | UnsetType = UNSET


class ClaimScope(Shape, frozen=True, kw_only=True):
    """What a published figure counts."""

    level: Level | UnsetType = UNSET
    proposer: Proposer | UnsetType = UNSET
    institution: Slug | UnsetType = UNSET
    round: Slug | UnsetType = UNSET


class FigureClaim(Shape, frozen=True, kw_only=True):
    """A figure that a published report claims; checked against the record, never trusted."""

    measure: Name
    scope: ClaimScope
    value: Value
    out_of: Positive | UnsetType = UNSET


class Others(Shape, frozen=True, kw_only=True):
    """The other actors of a commitment, under the label they were printed under."""

    government: Annotated[tuple[Text, ...], Meta(max_length=256)]
    civil: Annotated[tuple[Text, ...], Meta(max_length=256)]
    unlabelled: Annotated[tuple[Text, ...], Meta(max_length=256)]


class Share(Shape, frozen=True, kw_only=True):
    """A part of a whole: never a bare percent."""

    value: Value
    out_of: Positive
    unit: Text


class Goal(Shape, frozen=True, kw_only=True):
    """A figure to reach, `value` / 10**decimals."""

    value: Value
    decimals: Annotated[int, Meta(ge=0, le=6)]
    unit: Text


class Target(Shape, frozen=True, kw_only=True):
    """A content: the statement that brought it and its salted digest (for captured bytes: their digest)."""

    statement: Ref
    salted_digest: SaltedDigest


class Codes(Shape, frozen=True, kw_only=True):
    """The values that assessors may give, by aspect."""

    verifiability: Annotated[tuple[Name, ...], Meta(max_length=256)]
    relevance: Annotated[tuple[Name, ...], Meta(max_length=256)]
    ambition: Annotated[tuple[Name, ...], Meta(max_length=256)]
    early_results: Annotated[tuple[Name, ...], Meta(max_length=256)]


_Days = Annotated[int, Meta(ge=0, le=3660)]
_BasisPoints = Annotated[int, Meta(ge=1, le=10000)]


_Ordinal = Annotated[int, Meta(ge=0, le=3)]


class MachineCap(Shape, frozen=True, kw_only=True):
    """The highest level (ordinal) that a computation may reach, by grade of the best evidence."""

    grade_0: _Ordinal
    grade_1: _Ordinal
    grade_2: _Ordinal
    grade_3: _Ordinal


class Parameters(Shape, frozen=True, kw_only=True):
    """Every threshold of the grading and degradation tables."""

    confirm_days: _Days
    gone_days: _Days
    answer_days: _Days
    silence_days: _Days
    reuse_bp: _BasisPoints
    substantial_bp: _BasisPoints
    machine_cap: MachineCap
    own_pages: Annotated[tuple[Url, ...], Meta(max_length=256)]
    codes: Codes
    default_grace_days: _Days


class Step(Shape, frozen=True, kw_only=True):
    """A next step."""

    text: Text
    due: Date | UnsetType = UNSET


class Part(Shape, frozen=True, kw_only=True):
    """A part of a consulted document, or of an indicator."""

    part: Slug
    title: Text


class Measured(Shape, frozen=True, kw_only=True):
    """A measured figure, in the indicator's unit and decimals."""

    part: Slug | UnsetType = UNSET
    value: Value


class Change(Shape, frozen=True, kw_only=True):
    """A change to a consulted document, with the comments it answers."""

    text: Text
    comments: Annotated[tuple[Ref, ...], Meta(max_length=256)]


class Weight(Shape, frozen=True, kw_only=True):
    """What a mechanism counts within its commitment, in basis points (1/10,000)."""

    mechanism: MechanismId
    bp: _BasisPoints


class WeekEntry(Shape, frozen=True, kw_only=True):
    """What a week brought to a commitment, or to one mechanism of it: how far it is, and what was done."""

    commitment: CommitmentId
    mechanism: MechanismId | UnsetType = UNSET
    progress: Text
    action: Text


class Use(Shape, frozen=True, kw_only=True):
    """What a commitment takes from evidence that others are shown by too."""

    commitment: CommitmentId
    takes: Text


class Attendee(Shape, frozen=True, kw_only=True):
    """Who was present, by office; the person's name only as a salted digest (content `{name}`)."""

    actor: Slug
    post: Text
    person: SaltedDigest | UnsetType = UNSET


# --- the statements ------------------------------------------------------------------------------------------------

_Texts = Annotated[tuple[Text, ...], Meta(max_length=256)]
_Refs = Annotated[tuple[Ref, ...], Meta(max_length=256)]
_Refs1 = Annotated[tuple[Ref, ...], Meta(min_length=1, max_length=256)]


class Statement(Shape, frozen=True, kw_only=True, tag_field="kind", tag=True):
    """The fields that every statement has."""

    by: Annotated[tuple[Signer, ...], Meta(min_length=1, max_length=16)]
    said_at: When
    lang: Lang

    signed_by: ClassVar[str]
    importable: ClassVar[bool] = False
    unless_printed: ClassVar[tuple[str, ...]] = ()
    refs: ClassVar[dict[str, tuple[str, ...]]] = {}
    stream_template: ClassVar[str] = ""

    def __post_init__(self) -> None:
        Shape.__post_init__(self)
        by = self.by
        for signer in by:
            if (signer.actor is UNSET) is not (signer.role in ("citizen", "recovery")):
                if signer.actor is UNSET:
                    raise ValueError(f"`by`: a {signer.role} names its actor")
                raise ValueError(f"`by`: a {signer.role} has no actor")
        if len(by) > 1 and len({signer.key for signer in by}) != len(by):
            raise ValueError("`by` names one key twice")
        needed = self.unless_printed
        if needed and getattr(self, "printed", UNSET) is UNSET:
            for name in needed:
                if getattr(self, name) is UNSET:
                    raise ValueError(f"the field `{name}` is missing (only a printed statement may lack it)")

    @property
    def kind(self) -> str:
        """The name of the kind, as on the wire."""
        return type(self).__name__

    def salted_digests(self) -> tuple[str, ...]:
        """The contents that this statement brings to the vault, by salted digest."""
        found: list[str] = []
        for name in _salted_fields(type(self)):
            value = getattr(self, name)
            digest = value.salted_digest if isinstance(value, Words) else value
            if digest is not UNSET:
                found.append(digest)
        return tuple(found)


@cache
def _salted_fields(kind: type[Statement]) -> tuple[str, ...]:
    """The fields of a kind that may bring a content, in the order in which contents are named."""
    return tuple([name for name in ("salted_digest", "words", "person") if name in kind.__struct_fields__])


class OfPlan(Statement, frozen=True, kw_only=True):
    """A statement about one plan. `printed` is the importer's alone (rule A11)."""

    plan: Slug
    printed: Printed | UnsetType = UNSET


class OfStatement(Statement, frozen=True, kw_only=True):
    """A statement about another statement: in its plan, or in none where that has none."""

    plan: Slug | UnsetType = UNSET
    printed: Printed | UnsetType = UNSET


class OfContent(OfStatement, frozen=True, kw_only=True):
    """A statement about a content: a text, a name, or captured bytes."""

    target: Target


# Roster


class LedgerOpened(Statement, frozen=True, kw_only=True):
    """The founding: three or more registrars, the log's keys, the rules in force. Index 0 and nothing else."""

    origin: Origin
    purpose: Literal["record", "demonstration"]
    registrars: Annotated[tuple[Registrar, ...], Meta(min_length=3, max_length=15)]
    recovery: Recovery
    log_keys: Annotated[tuple[Key, ...], Meta(min_length=1, max_length=8)]
    rulebook: Version
    offset_minutes: Annotated[int, Meta(ge=-840, le=840)]

    signed_by: ClassVar[str] = "registrar*3..15"
    stream_template: ClassVar[str] = "ledger"


class ActorRegistered(Statement, frozen=True, kw_only=True):
    """A body that may hold keys and roles. Offices and programs belong to an institution or organisation."""

    actor: Slug
    form: Form
    of: Slug | UnsetType = UNSET
    name: Text
    site: Url | UnsetType = UNSET

    signed_by: ClassVar[str] = "registrar*2"
    stream_template: ClassVar[str] = "actor/{actor}"


class KeyEnrolled(Statement, frozen=True, kw_only=True):
    """A key of an actor, shown to be held by signing."""

    actor: Slug
    key: Key
    from_: When | UnsetType = msgspec.field(name="from", default=UNSET)
    until: When | UnsetType = UNSET

    signed_by: ClassVar[str] = "registrar*2 + holder"
    stream_template: ClassVar[str] = "actor/{actor}"


class KeyRotated(Statement, frozen=True, kw_only=True):
    """A key gives way to the next one of its actor: both sign, the old one first, which ends here."""

    actor: Slug
    old: Key
    new: Key

    signed_by: ClassVar[str] = "holder*2"
    stream_template: ClassVar[str] = "actor/{actor}"


class KeyRevoked(Statement, frozen=True, kw_only=True):
    """The end of a key, from this index on; `since` says since when a compromised key was not its holder's."""

    key: Key
    cause: Literal["retired", "lost", "compromised"]
    since: When | UnsetType = UNSET

    signed_by: ClassVar[str] = "holder or registrar*2 or registrar*2 + holder"
    stream_template: ClassVar[str] = "actor/{key_actor}"


class RoleGranted(Statement, frozen=True, kw_only=True):
    """A role for an actor, within a scope."""

    actor: Slug
    role: Role
    scope: GrantScope
    from_: When | UnsetType = msgspec.field(name="from", default=UNSET)
    until: When | UnsetType = UNSET
    document: Digest | UnsetType = UNSET
    sources: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=16)] | UnsetType = UNSET

    signed_by: ClassVar[str] = "registrar*2"
    stream_template: ClassVar[str] = "actor/{actor}"


class RoleEnded(Statement, frozen=True, kw_only=True):
    """The end of a grant, from this index on."""

    grant: Ref
    words: Words

    signed_by: ClassVar[str] = "registrar*2 or holder"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"grant": ("RoleGranted", "RegistrarReplaced", "LedgerOpened")}
    stream_template: ClassVar[str] = "ref/{grant}"


class RegistrarReplaced(Statement, frozen=True, kw_only=True):
    """The recovery keys put a registrar in the place of one who is lost, or captive."""

    removed: Slug
    actor: Slug
    name: Text
    form: Form
    of: Slug | UnsetType = UNSET
    key: Key
    reason: Text

    signed_by: ClassVar[str] = "recovery*2..15 + holder"
    stream_template: ClassVar[str] = "ledger"


class LogKeyRotated(Statement, frozen=True, kw_only=True):
    """The log gets another key: every head that covers this entry is signed by the new one."""

    old: Key
    new: Key

    signed_by: ClassVar[str] = "registrar*2"
    stream_template: ClassVar[str] = "ledger"


class WitnessRecognised(Statement, frozen=True, kw_only=True):
    """A witness whose cosignatures the registrars advise readers to ask for."""

    vkey: Vkey
    url: Url | UnsetType = UNSET

    signed_by: ClassVar[str] = "registrar*2"
    stream_template: ClassVar[str] = "ledger"


class RulebookAdopted(Statement, frozen=True, kw_only=True):
    """The next version of the rules, in force for the entries from `from_index` on."""

    version: Version
    document: Digest
    from_index: Positive

    signed_by: ClassVar[str] = "registrar*2"
    stream_template: ClassVar[str] = "ledger"


# Plan, commitments, surroundings


class PlanRegistered(OfPlan, frozen=True, kw_only=True):
    """An action plan."""

    title: Text
    country: Country
    cycle: Annotated[int, Meta(ge=1, le=99)]
    starts: Date
    ends: Date
    document: Digest | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("document",)


class MethodologyAdopted(OfPlan, frozen=True, kw_only=True):
    """The parameters of the grading and degradation tables."""

    version: Version
    parameters: Parameters
    document: Digest
    from_: When | UnsetType = msgspec.field(name="from", default=UNSET)

    signed_by: ClassVar[str] = "coordinator + assessor*1..15"


class AxisDefined(OfPlan, frozen=True, kw_only=True):
    """A work axis of the plan."""

    axis: Slug
    title: Text

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True


class PlanSubmitted(OfPlan, frozen=True, kw_only=True):
    """The plan was sent."""

    to: Slug
    on: Date
    document: Digest | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("document",)


class NoticePublished(OfPlan, frozen=True, kw_only=True):
    """Something was announced to the public."""

    announces: Literal["plan_call", "round", "meeting", "report", "other"]
    round: Slug | UnsetType = UNSET
    meeting: Slug | UnsetType = UNSET
    report: Slug | UnsetType = UNSET
    medium: Literal["press", "web", "email", "radio", "tv", "poster", "social", "message"]
    outlet: Text | UnsetType = UNSET
    on: Date
    url: Url | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True


class CommitmentRegistered(OfPlan, frozen=True, kw_only=True):
    """A commitment of the plan."""

    commitment: CommitmentId
    number: Number
    proposer: Proposer
    title: Text
    objective: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    relevance: Text | UnsetType = UNSET
    ambition: Text | UnsetType = UNSET
    axis: Slug | UnsetType = UNSET
    institution: Slug
    post: Text | UnsetType = UNSET
    others: Others
    problem: Text | UnsetType = UNSET
    further: Text | UnsetType = UNSET
    starts: Date | UnsetType = UNSET
    due: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("objective", "description", "relevance", "ambition", "post")


class CommitmentAmended(OfPlan, frozen=True, kw_only=True):
    """What was promised changes: what is named here takes the place of what was, and both stay readable."""

    commitment: CommitmentId
    reason: Text
    agreement: Slug | UnsetType = UNSET
    title: Text | UnsetType = UNSET
    objective: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    relevance: Text | UnsetType = UNSET
    ambition: Text | UnsetType = UNSET
    axis: Slug | UnsetType = UNSET
    institution: Slug | UnsetType = UNSET
    post: Text | UnsetType = UNSET
    others: Others | UnsetType = UNSET
    problem: Text | UnsetType = UNSET
    further: Text | UnsetType = UNSET
    starts: Date | UnsetType = UNSET
    due: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator or coordinator + assessor or coordinator + irm"

    def check(self) -> None:
        _amends(self)


class MechanismDefined(OfPlan, frozen=True, kw_only=True):
    """A numbered compliance mechanism of a commitment, with its means of verification."""

    mechanism: MechanismId
    text: Text
    means: Text | UnsetType = UNSET
    repeats: Literal["once", "recurring"] | UnsetType = UNSET
    period_days: Annotated[int, Meta(ge=1, le=3660)] | UnsetType = UNSET
    grace_days: _Days | UnsetType = UNSET
    goal: Goal | UnsetType = UNSET
    due: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator or coordinator + assessor or coordinator + irm"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("means", "repeats")


class MechanismAmended(OfPlan, frozen=True, kw_only=True):
    """A compliance mechanism changes. The verdicts on it were of what it was."""

    mechanism: MechanismId
    reason: Text
    agreement: Slug | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    means: Text | UnsetType = UNSET
    repeats: Literal["once", "recurring"] | UnsetType = UNSET
    period_days: Annotated[int, Meta(ge=1, le=3660)] | UnsetType = UNSET
    grace_days: _Days | UnsetType = UNSET
    goal: Goal | UnsetType = UNSET
    due: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator or coordinator + assessor or coordinator + irm"

    def check(self) -> None:
        _amends(self)


def _amends(amended: CommitmentAmended | MechanismAmended) -> None:
    """What an amendment may change are the optional fields after `agreement`. Raises ValueError if it names none."""
    names = amended.__struct_fields__
    changing = names[names.index("agreement") + 1 :]
    if all(getattr(amended, name) is UNSET for name in changing):
        raise ValueError(f"an amendment changes one or more of {', '.join(changing)}")


class WeightsSet(OfPlan, frozen=True, kw_only=True):
    """What each mechanism counts within its commitment; without it all count the same."""

    commitment: CommitmentId
    weights: Annotated[tuple[Weight, ...], Meta(min_length=1, max_length=99)]

    signed_by: ClassVar[str] = "coordinator or coordinator + assessor or coordinator + irm"


class InstrumentCited(OfPlan, frozen=True, kw_only=True):
    """A law, decree, resolution or agreement that something rests on."""

    subject: Subject | UnsetType = UNSET
    instrument_type: Literal["law", "decree", "resolution", "agreement", "forum_rules"]
    instrument_no: Text | UnsetType = UNSET
    title: Text
    article: Text | UnsetType = UNSET
    parties: _Texts
    on: Date | UnsetType = UNSET
    document: Digest | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True


class FundingRecorded(OfPlan, frozen=True, kw_only=True):
    """Whether something has its money."""

    subject: Subject | UnsetType = UNSET
    funding: Literal["funded", "partly_funded", "unfunded"]
    funder: Text | UnsetType = UNSET
    words: Words

    signed_by: ClassVar[str] = "institution"
    importable: ClassVar[bool] = True


class ContextNoted(OfPlan, frozen=True, kw_only=True):
    """What happened around the plan."""

    first_day: Date
    last_day: Date
    words: Words

    signed_by: ClassVar[str] = "coordinator or assessor or irm"
    importable: ClassVar[bool] = True


class OfficeHolderChanged(OfPlan, frozen=True, kw_only=True):
    """An office was left or filled. No `person` means vacant."""

    institution: Slug
    post: Text
    person: SaltedDigest | UnsetType = UNSET
    on: Date
    document: Digest | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator or institution"
    importable: ClassVar[bool] = True


class ActivityRecorded(OfPlan, frozen=True, kw_only=True):
    """An exchange, training or event."""

    subject: Subject | UnsetType = UNSET
    activity_form: Literal["exchange", "training", "event", "publicity"]
    title: Text
    place: Text | UnsetType = UNSET
    first_day: Date
    last_day: Date | UnsetType = UNSET
    words: Words | UnsetType = UNSET
    evidence: _Refs

    signed_by: ClassVar[str] = "coordinator or institution"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("place",)
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"evidence": ("EvidenceLinked",)}


class RecommendationMade(OfPlan, frozen=True, kw_only=True):
    """Advice to a body; `advice_of` says whose, when told by another."""

    to: Slug
    advice_of: Slug | UnsetType = UNSET
    words: Words
    due: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "irm or assessor"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "actor/{to}"


# Reporting


class WeeklyReportFiled(OfPlan, frozen=True, kw_only=True):
    """What a week brought to an institution's commitments. No entries: nothing to report."""

    institution: Slug
    week: Week
    entries: Annotated[tuple[WeekEntry, ...], Meta(max_length=256)]

    signed_by: ClassVar[str] = "institution"
    stream_template: ClassVar[str] = "actor/{institution}"

    def check(self) -> None:
        year, _, week = self.week.partition("-W")
        try:
            date.fromisocalendar(int(year), int(week), 1)
        except ValueError:
            raise ValueError(f"`week`: the year {year} has no week {week}") from None


class CompletionReported(OfPlan, frozen=True, kw_only=True):
    """How far a commitment or mechanism is, said by those responsible."""

    subject: Subject
    level: Level
    share: Share | UnsetType = UNSET
    reason: Text | UnsetType = UNSET
    evidence: _Refs

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("reason",)
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"evidence": ("EvidenceLinked",)}


class CompletionDateSet(OfPlan, frozen=True, kw_only=True):
    """When it was or will be done."""

    subject: Subject
    date: Date
    reason: Text | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True


class NextStepsSet(OfPlan, frozen=True, kw_only=True):
    """What comes next."""

    commitment: CommitmentId
    steps: Annotated[tuple[Step, ...], Meta(max_length=256)]

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True


class CommitmentReopened(OfPlan, frozen=True, kw_only=True):
    """A complete commitment gets more to do."""

    commitment: CommitmentId
    reason: Text

    signed_by: ClassVar[str] = "institution or coordinator"


class IndicatorDefined(OfPlan, frozen=True, kw_only=True):
    """A figure that is followed over time."""

    indicator: Slug
    subject: Subject
    title: Text
    unit: Text
    decimals: Annotated[int, Meta(ge=0, le=6)]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=256)] | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "indicator/{indicator}"


class IndicatorMeasured(OfPlan, frozen=True, kw_only=True):
    """A figure at a day, or over a span."""

    indicator: Slug
    as_of: Date | UnsetType = UNSET
    first_day: Date | UnsetType = UNSET
    last_day: Date | UnsetType = UNSET
    values: Annotated[tuple[Measured, ...], Meta(min_length=1, max_length=256)]
    out_of: Positive | UnsetType = UNSET
    source: Digest | UnsetType = UNSET
    words: Words | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator or assessor or irm"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "indicator/{indicator}"

    def check(self) -> None:
        span = (self.first_day is not UNSET, self.last_day is not UNSET)
        if (self.as_of is UNSET) != (span == (True, True)) or span in ((True, False), (False, True)):
            raise ValueError("a measure has either `as_of`, or `first_day` and `last_day`")


class ReportPublished(OfPlan, frozen=True, kw_only=True):
    """A report and the figures it claims."""

    report: Slug
    report_form: Literal["self_assessment_midterm", "self_assessment_final", "irm", "shadow", "round_summary", "other"]
    version: Version
    title: Text
    on: Date
    document: Digest | UnsetType = UNSET
    tree_size: Positive | UnsetType = UNSET
    claims: Annotated[tuple[FigureClaim, ...], Meta(max_length=256)]

    signed_by: ClassVar[str] = "coordinator or irm or assessor"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("document",)
    stream_template: ClassVar[str] = "report/{report}"


# Evidence


class EvidenceLinked(OfPlan, frozen=True, kw_only=True):
    """A piece of evidence, linked for mechanisms of one or more commitments."""

    for_: Annotated[tuple[MechanismId, ...], Meta(min_length=1, max_length=99)] = msgspec.field(name="for")
    url: Url | UnsetType = UNSET
    upload: Digest | UnsetType = UNSET
    title: Text | UnsetType = UNSET
    evidence_type: (
        Literal["document", "page", "statistic", "dataset", "log", "minutes", "press", "law", "image", "other"]
        | UnsetType
    ) = UNSET
    dated: Date | UnsetType = UNSET
    publisher: Text | UnsetType = UNSET
    shows: Text | UnsetType = UNSET
    answers: Annotated[tuple[Ref, ...], Meta(min_length=1, max_length=256)] | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator or assessor or irm"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("title", "evidence_type", "shows")
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"answers": ("EvidenceRequested",)}
    stream_template: ClassVar[str] = "ref/{identity}"

    def check(self) -> None:
        if (self.url is UNSET) == (self.upload is UNSET):
            raise ValueError("evidence has exactly one of `url` and `upload`")


class EvidenceCaptured(OfPlan, frozen=True, kw_only=True):
    """The bytes behind a link were fetched and hashed."""

    link: Ref
    digest: Digest
    size: Count
    media_type: MediaType
    http_status: Annotated[int, Meta(ge=100, le=599)] | UnsetType = UNSET
    method: Literal["direct", "archive", "upload"]
    final_url: Url | UnsetType = UNSET
    captured_at: When

    signed_by: ClassVar[str] = "institution or coordinator or assessor or irm or capturer"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"link": ("EvidenceLinked",)}
    stream_template: ClassVar[str] = "ref/{link}"


class EvidenceChecked(OfPlan, frozen=True, kw_only=True):
    """The link was looked at again."""

    link: Ref
    seen: Literal["alive", "changed", "gone", "blocked", "unsure"]
    digest: Digest | UnsetType = UNSET
    checked_at: When

    signed_by: ClassVar[str] = "institution or coordinator or assessor or irm or capturer"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"link": ("EvidenceLinked",)}
    stream_template: ClassVar[str] = "ref/{link}"

    def check(self) -> None:
        if self.seen in ("alive", "changed") and self.digest is UNSET:
            raise ValueError(f"a check that saw `{self.seen}` names the `digest`")


class SharedUseExplained(OfPlan, frozen=True, kw_only=True):
    """Why the same evidence shows more than one commitment: what each of them takes from it."""

    evidence: _Refs1
    uses: Annotated[tuple[Use, ...], Meta(min_length=2, max_length=256)]

    signed_by: ClassVar[str] = "institution"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"evidence": ("EvidenceLinked",)}


class EvidenceDisputed(OfPlan, frozen=True, kw_only=True):
    """Somebody holds that a piece of evidence does not show what it is linked for."""

    link: Ref
    mechanism: MechanismId
    objection: Literal["absent", "not_relevant", "contradicts", "not_theirs", "before_plan", "altered"]
    words: Words

    signed_by: ClassVar[str] = "assessor or irm or citizen"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"link": ("EvidenceLinked",)}
    stream_template: ClassVar[str] = "ref/{link}"


class DisputeScreened(OfPlan, frozen=True, kw_only=True):
    """An assessor admits a citizen's dispute, from here on open, or declines it, and says why."""

    dispute: Ref
    screening: Literal["admitted", "declined"]
    words: Words

    signed_by: ClassVar[str] = "assessor or irm"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"dispute": ("EvidenceDisputed",)}
    stream_template: ClassVar[str] = "ref/{dispute}"


class DisputeResolved(OfPlan, frozen=True, kw_only=True):
    """An open dispute is decided: `upheld` means that the evidence does not show it."""

    dispute: Ref
    resolution: Literal["upheld", "partly", "rejected"]
    words: Words

    signed_by: ClassVar[str] = "irm or coordinator + assessor"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"dispute": ("EvidenceDisputed",)}
    stream_template: ClassVar[str] = "ref/{dispute}"


class VerdictGiven(OfPlan, frozen=True, kw_only=True):
    """An independent assessor's reading of captured evidence, for one mechanism."""

    mechanism: MechanismId
    level: Level
    digests: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=256)]
    words: Words

    signed_by: ClassVar[str] = "assessor or irm"


class EvidenceRequested(OfPlan, frozen=True, kw_only=True):
    """An assessor asks the institution responsible for evidence, by a day."""

    institution: Slug
    mechanism: MechanismId
    words: Words
    due: Date

    signed_by: ClassVar[str] = "assessor or irm"
    stream_template: ClassVar[str] = "actor/{institution}"


# Assessment


class AssessmentOpened(OfPlan, frozen=True, kw_only=True):
    """Somebody begins to assess commitments over a span of time, by one version of the methodology."""

    assessment: Slug
    from_: When = msgspec.field(name="from")
    until: When
    commitments: Annotated[tuple[CommitmentId, ...], Meta(min_length=1, max_length=256)]
    methodology: Version

    signed_by: ClassVar[str] = "assessor or irm or coordinator"
    stream_template: ClassVar[str] = "assessment/{assessment}"

    def check(self) -> None:
        if not self.from_ < self.until:  # one form only, so the order of the strings is the order of the times
            raise ValueError("`from` is not before `until`")


class CompletionAssessed(OfPlan, frozen=True, kw_only=True):
    """How far a commitment is, said by another body."""

    commitment: CommitmentId
    level: Level
    reason: Text
    evidence: _Refs
    assessment: Slug | UnsetType = UNSET

    signed_by: ClassVar[str] = "assessor or irm or coordinator"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"evidence": ("EvidenceLinked",)}


class CommitmentCoded(OfPlan, frozen=True, kw_only=True):
    """How an assessor reads one aspect of a commitment, by a code of the methodology."""

    commitment: CommitmentId
    aspect: Literal["verifiability", "relevance", "ambition", "early_results"]
    code: Name
    words: Words

    signed_by: ClassVar[str] = "assessor or irm"


class AssessmentClosed(OfPlan, frozen=True, kw_only=True):
    """An assessment is finished, on the first `tree_size` entries."""

    assessment: Slug
    tree_size: Positive

    signed_by: ClassVar[str] = "assessor or irm or coordinator"
    stream_template: ClassVar[str] = "assessment/{assessment}"


# Consultation


class RoundOpened(OfPlan, frozen=True, kw_only=True):
    """A round of consultation, with its window."""

    round: Slug
    concerns: Literal["plan_draft", "report_draft", "amendment", "other"]
    report: Slug | UnsetType = UNSET
    document: Digest | UnsetType = UNSET
    version: Version
    parts: Annotated[tuple[Part, ...], Meta(max_length=256)]
    opens: When
    closes: When
    late: Literal["refuse", "accept"]
    late_until: When | UnsetType = UNSET
    langs: Annotated[tuple[Lang, ...], Meta(max_length=256)]
    rules: Digest | UnsetType = UNSET
    answer_by: Date | UnsetType = UNSET

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("document", "rules", "answer_by")
    stream_template: ClassVar[str] = "round/{round}"

    def check(self) -> None:
        if not self.opens < self.closes:  # one form only, so the order of the strings is the order of the times
            raise ValueError("`opens` is not before `closes`")
        if self.late_until is not UNSET and (self.late != "accept" or self.late_until < self.closes):
            raise ValueError("`late_until` goes with late comments accepted, and is not before `closes`")
        names = [part.part for part in self.parts]
        if "whole" in names or len(names) != len(set(names)):
            raise ValueError("parts have names of their own, and `whole` is none of them")


class RoundExtended(OfPlan, frozen=True, kw_only=True):
    """A round stays open longer than was said. Said before it closes, or not at all."""

    round: Slug
    closes: When
    reason: Text

    signed_by: ClassVar[str] = "coordinator"
    stream_template: ClassVar[str] = "round/{round}"


class RoundClosed(OfPlan, frozen=True, kw_only=True):
    """How many comments the coordinator counts in a round, among the first `tree_size` entries: a claim.

    What closes a round is its time, and no statement.
    """

    round: Slug
    comment_count: Count
    tree_size: Positive

    signed_by: ClassVar[str] = "coordinator"
    stream_template: ClassVar[str] = "round/{round}"


class DocumentPublished(OfPlan, frozen=True, kw_only=True):
    """A version of the consulted document."""

    round: Slug
    version: Version
    document: Digest | UnsetType = UNSET
    changes: Annotated[tuple[Change, ...], Meta(max_length=256)]

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("document",)
    stream_template: ClassVar[str] = "round/{round}"


class CommentSubmitted(OfPlan, frozen=True, kw_only=True):
    """A citizen's comment, signed by the citizen. Its text is in the vault (content `{text, name?, place?}`)."""

    round: Slug
    version: Version
    about: About
    reply_to: Ref | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    salted_digest: SaltedDigest
    claim: Claim

    signed_by: ClassVar[str] = "citizen"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"reply_to": ("CommentSubmitted", "CommentTranscribed")}
    stream_template: ClassVar[str] = "ref/{identity}"


class CommentTranscribed(OfPlan, frozen=True, kw_only=True):
    """A comment that came by another way, stated by who wrote it down."""

    round: Slug
    version: Version
    about: About
    reply_to: Ref | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    salted_digest: SaltedDigest
    claim: Claim | UnsetType = UNSET
    channel: Literal["paper", "meeting", "phone", "web_form", "report"]
    heard_at: When
    source: Digest | UnsetType = UNSET

    signed_by: ClassVar[str] = "transcriber"
    importable: ClassVar[bool] = True
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"reply_to": ("CommentSubmitted", "CommentTranscribed")}
    stream_template: ClassVar[str] = "ref/{identity}"


class CommentEndorsed(OfPlan, frozen=True, kw_only=True):
    """Another key stands by a comment. Keys are cheap: no figure counts them as people."""

    comment: Ref

    signed_by: ClassVar[str] = "citizen"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"comment": ("CommentSubmitted", "CommentTranscribed")}
    stream_template: ClassVar[str] = "ref/{comment}"


class ErasureRequested(OfContent, frozen=True, kw_only=True):
    """The author asks that a text be destroyed; or a moderator does, for a third person or an authority."""

    ground: Literal["consent_withdrawn", "personal_data", "legal_order"]
    secret: Secret | UnsetType = UNSET
    authority: Text | UnsetType = UNSET

    signed_by: ClassVar[str] = "citizen or moderator"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class ContentWithheld(OfContent, frozen=True, kw_only=True):
    """A content is no longer shown, on a ground; the entry and its place stay."""

    ground: Ground
    rule: Text
    authority: Text | UnsetType = UNSET
    appeal_until: When

    signed_by: ClassVar[str] = "moderator"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class ContentRedacted(OfContent, frozen=True, kw_only=True):
    """A shorter text is shown in the place of a content. It is this statement's own content, `salted_digest`."""

    salted_digest: SaltedDigest
    ground: Ground
    rule: Text
    authority: Text | UnsetType = UNSET
    appeal_until: When

    signed_by: ClassVar[str] = "moderator"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class ContentRestored(OfContent, frozen=True, kw_only=True):
    """A withheld or redacted content is shown again, as it was."""

    words: Words

    signed_by: ClassVar[str] = "moderator"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class ContentErased(OfContent, frozen=True, kw_only=True):
    """A content and its salt are destroyed, with what was shown in its place, and nothing brings them back.

    `stores` says where: done in the vault, asked of backups and mirrors.
    """

    ground: Ground | Literal["requested"]
    rule: Text
    authority: Text | UnsetType = UNSET
    stores: Annotated[tuple[Store, ...], Meta(min_length=1, max_length=3)]

    signed_by: ClassVar[str] = "moderator*2"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class ModerationAppealed(OfContent, frozen=True, kw_only=True):
    """The author objects to the withholding or redaction of a text. The reasons are a content (words)."""

    salted_digest: SaltedDigest
    secret: Secret | UnsetType = UNSET

    signed_by: ClassVar[str] = "citizen"
    stream_template: ClassVar[str] = "ref/{target.statement}"


class AppealDecided(OfStatement, frozen=True, kw_only=True):
    """Another organisation's moderator decides: the act stands, or a restoration is due."""

    appeal: Ref
    decision: Literal["upheld", "overturned"]
    words: Words

    signed_by: ClassVar[str] = "moderator"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"appeal": ("ModerationAppealed",)}
    stream_template: ClassVar[str] = "ref/{appeal}"


# Meetings


class MeetingConvened(OfPlan, frozen=True, kw_only=True):
    """A meeting was called."""

    meeting: Slug
    meeting_form: Literal["committee", "technical", "irm", "results", "work_table"]
    number: Number | UnsetType = UNSET
    starts: Date | When
    ends: Date | When | UnsetType = UNSET
    place: Text | UnsetType = UNSET
    invited: Annotated[tuple[Slug, ...], Meta(max_length=256)]
    agenda: _Texts

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    unless_printed: ClassVar[tuple[str, ...]] = ("place",)
    stream_template: ClassVar[str] = "meeting/{meeting}"


class AgendaItemProposed(OfPlan, frozen=True, kw_only=True):
    """Somebody asks that a matter be taken up."""

    meeting: Slug | UnsetType = UNSET
    words: Words

    signed_by: ClassVar[str] = "assessor or irm or institution"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "meeting/{meeting}"


class AttendanceRecorded(OfPlan, frozen=True, kw_only=True):
    """Who was there, by office."""

    meeting: Slug
    present: Annotated[tuple[Attendee, ...], Meta(max_length=256)]

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "meeting/{meeting}"

    def salted_digests(self) -> tuple[str, ...]:
        return tuple(attendee.person for attendee in self.present if attendee.person is not UNSET)


class RemarkRecorded(OfPlan, frozen=True, kw_only=True):
    """What a body said at a meeting."""

    meeting: Slug
    speaker: Slug
    post: Text
    words: Words

    signed_by: ClassVar[str] = "coordinator"
    importable: ClassVar[bool] = True
    stream_template: ClassVar[str] = "meeting/{meeting}"


class MinutesApproved(OfPlan, frozen=True, kw_only=True):
    """The minutes, signed by the coordinator and by bodies that were there; a body may sign later, alone."""

    meeting: Slug
    document: Digest

    signed_by: ClassVar[str] = "coordinator + holder*1..15 or holder"
    stream_template: ClassVar[str] = "meeting/{meeting}"


# About any statement


class ResponseGiven(OfStatement, frozen=True, kw_only=True):
    """The reasoned answer owed to comments, disputes, requests, alerts or recommendations."""

    answers: _Refs1
    disposition: Literal["accepted", "partly", "rejected", "already_done", "out_of_scope"]
    words: Words | UnsetType = UNSET
    led_to: Ref | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or coordinator"
    importable: ClassVar[bool] = True
    refs: ClassVar[dict[str, tuple[str, ...]]] = {
        "answers": (
            "CommentSubmitted",
            "CommentTranscribed",
            "EvidenceDisputed",
            "EvidenceRequested",
            "AlertIssued",
            "RecommendationMade",
        ),
        "led_to": ("*",),
    }
    stream_template: ClassVar[str] = "ref/{answers[0]}"

    def check(self) -> None:
        if self.disposition == "rejected" and self.words is UNSET:
            raise ValueError("a rejection gives its reason in `words`")


class StatementContested(OfStatement, frozen=True, kw_only=True):
    """An institution objects to an assessment of its commitment, or a citizen to the answer given to their comment.

    The statement stays, and the objection beside it.
    """

    statement: Ref
    words: Words
    secret: Secret | UnsetType = UNSET

    signed_by: ClassVar[str] = "institution or citizen"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {
        "statement": ("CompletionAssessed", "VerdictGiven", "ResponseGiven"),
    }
    stream_template: ClassVar[str] = "ref/{statement}"


class StatementConfirmed(OfStatement, frozen=True, kw_only=True):
    """The actor spoken for stands by an imported or minuted statement, or corrects it in words."""

    statement: Ref
    words: Words | UnsetType = UNSET

    signed_by: ClassVar[str] = "holder"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {"statement": ("*",)}
    stream_template: ClassVar[str] = "ref/{statement}"


class StatementWithdrawn(OfStatement, frozen=True, kw_only=True):
    """Its author takes a statement back: the effect stops, the entry stays."""

    statement: Ref
    words: Words | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET

    signed_by: ClassVar[str] = "holder or citizen"
    refs: ClassVar[dict[str, tuple[str, ...]]] = {
        "statement": (
            "EvidenceLinked",
            "EvidenceDisputed",
            "VerdictGiven",
            "CompletionAssessed",
            "AlertIssued",
            "AgendaItemProposed",
            "CommentSubmitted",
            "CommentTranscribed",
            "CommentEndorsed",
        )
    }
    stream_template: ClassVar[str] = "ref/{statement}"


AnyStatement = (
    LedgerOpened
    | ActorRegistered
    | KeyEnrolled
    | KeyRotated
    | KeyRevoked
    | RoleGranted
    | RoleEnded
    | RegistrarReplaced
    | LogKeyRotated
    | WitnessRecognised
    | RulebookAdopted
    | PlanRegistered
    | MethodologyAdopted
    | AxisDefined
    | PlanSubmitted
    | NoticePublished
    | CommitmentRegistered
    | CommitmentAmended
    | MechanismDefined
    | MechanismAmended
    | WeightsSet
    | InstrumentCited
    | FundingRecorded
    | ContextNoted
    | OfficeHolderChanged
    | ActivityRecorded
    | RecommendationMade
    | WeeklyReportFiled
    | CompletionReported
    | CompletionDateSet
    | NextStepsSet
    | CommitmentReopened
    | IndicatorDefined
    | IndicatorMeasured
    | ReportPublished
    | EvidenceLinked
    | EvidenceCaptured
    | EvidenceChecked
    | SharedUseExplained
    | EvidenceDisputed
    | DisputeScreened
    | DisputeResolved
    | VerdictGiven
    | EvidenceRequested
    | AssessmentOpened
    | CompletionAssessed
    | CommitmentCoded
    | AssessmentClosed
    | RoundOpened
    | RoundExtended
    | RoundClosed
    | DocumentPublished
    | CommentSubmitted
    | CommentTranscribed
    | CommentEndorsed
    | ErasureRequested
    | ContentWithheld
    | ContentRedacted
    | ContentRestored
    | ContentErased
    | ModerationAppealed
    | AppealDecided
    | MeetingConvened
    | AgendaItemProposed
    | AttendanceRecorded
    | RemarkRecorded
    | MinutesApproved
    | ResponseGiven
    | StatementContested
    | StatementConfirmed
    | StatementWithdrawn
)

KINDS: dict[str, type[Statement]] = {kind.__name__: kind for kind in AnyStatement.__args__}


# --- signers ---------------------------------------------------------------------------------------------------------


class SignerRange(msgspec.Struct, frozen=True):
    """`least` to `most` signers in one role."""

    role: str
    least: int
    most: int


@cache
def signer_patterns(kind: type[Statement]) -> tuple[tuple[SignerRange, ...], ...]:
    """The ways in which a statement of this kind may be signed, read from `signed_by`.

    `a + b*2 or c*1..15`: alternatives between `or`, and in each the roles with how many signers. The signers stand in
    `by` grouped by role, in this order. The importer's own way (alone, rule A11) is not among them.
    """
    alternatives: list[tuple[SignerRange, ...]] = []
    for alternative in kind.signed_by.split(" or "):
        ranges: list[SignerRange] = []
        for part in alternative.split(" + "):
            role, _, many = part.partition("*")
            least, _, most = many.partition("..")
            ranges.append(SignerRange(role, int(least or 1), int(most or least or 1)))
        alternatives.append(tuple(ranges))
    return tuple(alternatives)


# --- what a statement speaks of --------------------------------------------------------------------------------------


@cache
def _subject_field(kind: type[Statement]) -> str:
    """The field that holds the one commitment or mechanism that a kind speaks of; empty for none."""
    return next((name for name in ("subject", "mechanism", "commitment") if name in kind.__struct_fields__), "")


def subject_of(statement: Statement) -> str | None:
    """The commitment or mechanism that a statement speaks of, where it names exactly one in a field of its own."""
    field = _subject_field(type(statement))
    subject = getattr(statement, field) if field else UNSET
    return None if subject is UNSET else subject


def commitments_of(statement: Statement) -> tuple[str, ...]:
    """Every commitment that a statement speaks of, each once, in order."""
    subject = subject_of(statement)
    if subject is not None:
        return (commitment_of(subject),)
    match statement:
        case EvidenceLinked():
            return tuple(dict.fromkeys(commitment_of(mechanism) for mechanism in statement.for_))
        case WeeklyReportFiled():
            return tuple(dict.fromkeys(entry.commitment for entry in statement.entries))
        case SharedUseExplained():
            return tuple(dict.fromkeys(use.commitment for use in statement.uses))
        case AssessmentOpened():
            return statement.commitments
        case _:
            pass
    about = getattr(statement, "about", UNSET)
    if about is not UNSET and "/" in about:
        return (commitment_of(about),)
    return ()


def commitment_of(subject: str) -> str:
    """`gt-2014-2016/C8.M1` -> `gt-2014-2016/C8`."""
    return subject.partition(".")[0]


def stream_of(statement: Statement, identity: str, key_actor: str) -> str:
    """The stream of the journal that a statement belongs to (FORMAT.md, "Streams").

    `identity` is the statement's own; `key_actor` the actor of the key that a KeyRevoked ends, else unused.
    """
    prefix, field = _stream_rule(type(statement))
    if field == "identity":
        return prefix + identity
    if field == "key_actor":
        return prefix + key_actor
    if field == "answers[0]" and isinstance(statement, ResponseGiven):
        return prefix + statement.answers[0]
    if field == "target.statement" and isinstance(statement, OfContent):
        return prefix + statement.target.statement
    name = getattr(statement, field, UNSET) if field else UNSET
    if name is not UNSET:
        return prefix + name
    if prefix and not field:
        return prefix
    return subject_of(statement) or f"plan/{getattr(statement, 'plan', '')}"


@cache
def has_own_stream(kind: type[Statement]) -> bool:
    """Whether each statement of a kind begins a stream of its own identity, where nobody says this kind again."""
    return _stream_rule(kind) == ("ref/", "identity")


@cache
def _stream_rule(kind: type[Statement]) -> tuple[str, str]:
    """A stream template cut into what stands before the brace and the field inside it."""
    prefix, _, rest = kind.stream_template.partition("{")
    return prefix, rest.removesuffix("}")
