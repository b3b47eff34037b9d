"""Tallies, and published figures checked against the record: claims are never trusted, and never corrected.

A report may say "28 of 48 complete". Here each such claim is computed again, at the tree size that the report names or
just before its own entry, and both figures are kept side by side with the commitments behind the computed one, because
that is where a difference hides. Counts use reported levels. Shares are in basis points of 10,000: `exact` if the claim
is 10,000·n/out_of rounded half up, `truncated` if only its floor, else `differs`.
"""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry
from ledger.vocabulary import CommitmentRegistered, FigureClaim, ReportPublished, Statement
from projections.meetings import meetings_at
from projections.records import Record, Records, index_key
from projections.roll import Known, printed_in, speaker_of
from projections.rounds import Round, counts_at

LEVELS = ("complete", "substantial", "limited", "not_started")


class LevelCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many commitments are reported at a level, by who proposed them."""

    level: str
    government: int = 0
    civil_society: int = 0


class Tally(Record, frozen=True, kw_only=True):
    """The commitments of a plan by reported level [plan]."""

    table: ClassVar[str] = "tally"
    plan: str
    government: int = 0
    civil_society: int = 0
    levels: tuple[LevelCount, ...] = ()

    def by_level(self) -> dict[str, int]:
        """How many commitments stand at each level, whoever proposed them."""
        return {counted.level: counted.government + counted.civil_society for counted in self.levels}


class LevelStep(Record, frozen=True, kw_only=True):
    """A change of the reported level of a commitment [commitment/index]."""

    table: ClassVar[str] = "level_step"
    indexes: ClassVar[int] = 1
    level: str
    before: str = ""  # empty for the first


class Proposed(Record, frozen=True, kw_only=True):
    """What tallies and claims need to know of a commitment [commitment]."""

    table: ClassVar[str] = "proposed"
    proposer: str
    institution: str
    index: int
    level: str = ""
    level_index: int = -1


class ClaimChecked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A published figure beside the record's. `members` are the commitments behind the computed figure."""

    measure: str
    level: str = ""
    proposer: str = ""
    institution: str = ""
    round: str = ""
    claimed: int
    out_of: int | None = None
    computed: int | None = None
    difference: int | None = None  # claimed − computed
    verdict: str  # exact, truncated, differs, not_computable
    members: tuple[str, ...] = ()


class Report(Record, frozen=True, kw_only=True):
    """A published report and its claims [report/version]."""

    table: ClassVar[str] = "report"
    report: str
    version: int
    plan: str
    report_form: str
    title: str
    lang: str
    day: str = ""
    precision: str
    document: str = ""
    actor: str
    tree_size: int
    index: int
    received_ms: int
    printed: bool = False
    claims: tuple[ClaimChecked, ...] = ()


# --- the tally, told by the folds of commitments ---------------------------------------------------------------------


def count_new(records: Records, entry: Entry, registered: CommitmentRegistered) -> None:
    """A commitment was registered."""
    tally = records.get(Tally, registered.plan) or Tally(plan=registered.plan)
    government = registered.proposer == "government"
    changed = msgspec.structs.replace(
        tally, government=tally.government + government, civil_society=tally.civil_society + (not government)
    )
    records.put(registered.plan, changed)
    records.put(
        registered.commitment,
        Proposed(proposer=registered.proposer, institution=registered.institution, index=entry.index),
    )


def count_level(records: Records, plan: str, commitment: str, now: str, index: int) -> None:
    """The reported level of a commitment became `now`."""
    proposed = records.get(Proposed, commitment)
    tally = records.get(Tally, plan)
    if proposed is None or tally is None:
        return
    before = proposed.level
    records.put(index_key(commitment, index), LevelStep(level=now, before=before))
    records.put(commitment, msgspec.structs.replace(proposed, level=now, level_index=index))
    if before == now:
        return
    counts = {one.level: one for one in tally.levels}
    for level, by in ((before, -1), (now, 1)):
        if level:
            standing = counts.get(level, LevelCount(level=level))
            government = standing.government + (by if proposed.proposer == "government" else 0)
            civil = standing.civil_society + (by if proposed.proposer != "government" else 0)
            counts[level] = LevelCount(level=level, government=government, civil_society=civil)
    levels = tuple([counts[level] for level in LEVELS if level in counts])
    records.put(plan, msgspec.structs.replace(tally, levels=levels))


# --- reports ---------------------------------------------------------------------------------------------------------


def _publish(records: Records, entry: Entry, published: ReportPublished, known: Known) -> None:
    size = entry.index if published.tree_size is UNSET else published.tree_size
    report = Report(
        report=published.report,
        version=published.version,
        plan=published.plan,
        report_form=published.report_form,
        title=published.title,
        lang=published.lang,
        day="" if published.on.day is UNSET else published.on.day,
        precision=published.on.precision,
        document="" if published.document is UNSET else published.document,
        actor=speaker_of(published)[0],
        tree_size=size,
        index=entry.index,
        received_ms=entry.received_ms,
        printed=printed_in(published),
        claims=tuple([check_claim(records, published.plan, claim, size) for claim in published.claims]),
    )
    records.put(f"{published.report}/{published.version:04d}", report)


_OF_COMMITMENTS = ("commitment_count", "level_count", "level_share_bp")
_OF_ROUNDS = ("comment_count", "response_count", "withheld_count")  # in the order of `counts_at`


def check_claim(records: Records, plan: str, claim: FigureClaim, size: int) -> ClaimChecked:
    """A claim beside what the record of the first `size` entries gives.

    A response is counted once for each comment that has one. A claim whose scope does not go with its measure, such as
    a level of meetings, is not computable: leaving the scope out would compute another claim.
    """
    scope = claim.scope
    level = "" if scope.level is UNSET else scope.level
    proposer = "" if scope.proposer is UNSET else scope.proposer
    institution = "" if scope.institution is UNSET else scope.institution
    round_ = "" if scope.round is UNSET else scope.round
    out_of = None if claim.out_of is UNSET else claim.out_of
    computed: int | None = None
    members: tuple[str, ...] = ()
    verdict = "not_computable"
    if claim.measure in _OF_COMMITMENTS and not round_ and bool(level) >= (claim.measure != "commitment_count"):
        among = _commitments(records, plan, size, proposer, institution)
        members = tuple([key for key, one in among if not level or level_at(records, key, one, size) == level])
        if claim.measure == "level_share_bp":
            verdict, computed = _share(claim.value, len(members), len(among))
        else:
            computed = len(members)
            of_another_whole = claim.measure == "level_count" and out_of not in (None, len(among))
            verdict = "exact" if computed == claim.value and not of_another_whole else "differs"
    elif not (level or proposer or institution):
        if claim.measure == "meeting_count" and not round_:
            computed = meetings_at(records, plan, size)
        elif claim.measure in _OF_ROUNDS:
            rounds = [one for key, one in records.scan(Round) if one.plan == plan and round_ in ("", key)]
            which = _OF_ROUNDS.index(claim.measure)
            computed = sum([counts_at(records, one, size)[which] for one in rounds])
        if computed is not None:
            verdict = "exact" if computed == claim.value else "differs"
    return ClaimChecked(
        measure=claim.measure,
        level=level,
        proposer=proposer,
        institution=institution,
        round=round_,
        claimed=claim.value,
        out_of=out_of,
        computed=computed,
        difference=None if computed is None else claim.value - computed,
        verdict=verdict,
        members=members,
    )


def _share(claimed: int, count: int, whole: int) -> tuple[str, int | None]:
    """Verdict and computed share (basis points, rounded half up) of `count` in `whole`."""
    if whole == 0:
        return "not_computable", None
    rounded = (20_000 * count + whole) // (2 * whole)
    if claimed == rounded:
        return "exact", rounded
    return ("truncated" if claimed == 10_000 * count // whole else "differs"), rounded


def _commitments(records: Records, plan: str, size: int, proposer: str, institution: str) -> list[tuple[str, Proposed]]:
    """The plan's commitments within the scope, registered before `size`, with their ids."""
    return [
        (key, one)
        for key, one in records.scan(Proposed, prefix=f"{plan}/")
        if one.index < size and proposer in ("", one.proposer) and institution in ("", one.institution)
    ]


def level_at(records: Records, commitment: str, proposed: Proposed, size: int) -> str:
    """The reported level of a commitment in the record of the first `size` entries, empty if there is none."""
    if proposed.level_index < size:
        return proposed.level
    for _, later in records.scan(LevelStep, prefix=f"{commitment}/", after=index_key(commitment, size - 1), limit=1):
        return later.before
    return proposed.level


FOLDS: dict[type[Statement], Callable[..., None]] = {ReportPublished: _publish}
