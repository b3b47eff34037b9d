"""Tallies, and published figures checked against the record: claims are never trusted, and never corrected.

A report may say "28 of 48 complete". Here each such claim is computed again, at the tree size that the report names or
just before its own entry, and both figures are kept side by side with the commitments behind the computed one, because
that is where a difference hides. Counts use reported levels. Shares are in basis points of 10,000: `exact` if the claim
is 10,000·n/out_of rounded half up, `truncated` if only its floor, else `differs`.
"""

from typing import ClassVar

import msgspec
from msgspec import UNSET

from ledger.statement import Entry
from ledger.vocabulary import CommitmentRegistered, FigureClaim, ReportPublished
from projections.records import Record, Records, index_key
from projections.roll import printed_in

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


class LevelStep(Record, frozen=True, kw_only=True):
    """A change of the reported level of a commitment [commitment/index]."""

    table: ClassVar[str] = "level_step"
    indexes: ClassVar[int] = 1
    level: str
    index: int


class Proposed(Record, frozen=True, kw_only=True):
    """What a tally needs to know of a commitment [commitment]."""

    table: ClassVar[str] = "proposed"
    proposer: str
    institution: str
    index: int


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


def count_new(records: Records, registered: CommitmentRegistered) -> None:
    """A commitment was registered."""
    tally = records.get(Tally, registered.plan) or Tally(plan=registered.plan)
    government = registered.proposer == "government"
    changed = msgspec.structs.replace(
        tally, government=tally.government + government, civil_society=tally.civil_society + (not government)
    )
    records.put(registered.plan, changed)


def count_level(records: Records, plan: str, commitment: str, before: str, now: str, index: int) -> None:
    """The reported level of a commitment became `now`; `before` is empty for the first."""
    records.put(index_key(commitment, index), LevelStep(level=now, index=index))
    if before == now:
        return
    tally = records.get(Tally, plan)
    proposed = records.get(Proposed, commitment)
    if tally is None or proposed is None:
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


def evolve(records: Records, entry: Entry) -> None:
    """Take one entry: a commitment to count, or a report whose claims are checked."""
    statement = entry.opened.statement
    if isinstance(statement, CommitmentRegistered):
        records.put(
            statement.commitment,
            Proposed(proposer=statement.proposer, institution=statement.institution, index=entry.index),
        )
    elif isinstance(statement, ReportPublished):
        _publish(records, entry, statement)


def _publish(records: Records, entry: Entry, published: ReportPublished) -> None:
    size = entry.index if published.tree_size is UNSET else published.tree_size
    actor = published.by[0].actor
    if published.printed is not UNSET and published.printed.on_behalf_of is not UNSET:
        actor = published.printed.on_behalf_of
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
        actor="" if actor is UNSET else actor,
        tree_size=size,
        index=entry.index,
        received_ms=entry.received_ms,
        printed=printed_in(published),
        claims=tuple([check_claim(records, published.plan, claim, size) for claim in published.claims]),
    )
    records.put(f"{published.report}/{published.version:04d}", report)


def check_claim(records: Records, plan: str, claim: FigureClaim, size: int) -> ClaimChecked:
    """A claim beside what the record of the first `size` entries gives."""
    scope = claim.scope
    level = "" if scope.level is UNSET else scope.level
    proposer = "" if scope.proposer is UNSET else scope.proposer
    institution = "" if scope.institution is UNSET else scope.institution
    round_ = "" if scope.round is UNSET else scope.round
    computed: int | None = None
    members: tuple[str, ...] = ()
    if claim.measure in ("commitment_count", "level_count", "level_share_bp"):
        among = _commitments(records, plan, size, proposer, institution)
        members = tuple([one for one in among if not level or level_at(records, one, size) == level])
        computed = len(members)
    elif claim.measure in ("meeting_count", "comment_count", "response_count", "withheld_count") and not level:
        computed = _count_at(records, claim.measure, plan, round_, size)
    out_of = None if claim.out_of is UNSET else claim.out_of
    verdict = "not_computable"
    if computed is not None:
        verdict = "exact" if computed == claim.value else "differs"
        if claim.measure == "level_share_bp":
            whole = len(_commitments(records, plan, size, proposer, institution))
            verdict, computed = _share(claim.value, computed, whole)
        if claim.measure == "level_count" and out_of is not None:
            whole = len(_commitments(records, plan, size, proposer, institution))
            verdict = verdict if out_of == whole else "differs"
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


def _commitments(records: Records, plan: str, size: int, proposer: str, institution: str) -> list[str]:
    """Ids of the plan's commitments within the scope, registered before `size`."""
    return [
        key
        for key, one in records.scan(Proposed, prefix=f"{plan}/")
        if one.index < size and proposer in ("", one.proposer) and institution in ("", one.institution)
    ]


def level_at(records: Records, commitment: str, size: int) -> str:
    """The reported level of a commitment in the record of the first `size` entries, empty if there is none."""
    level = ""
    for _, step in records.scan(LevelStep, prefix=f"{commitment}/"):
        if step.index >= size:
            break
        level = step.level
    return level


def _count_at(records: Records, measure: str, plan: str, round_: str, size: int) -> int:
    from projections.meetings import Meeting  # both count through this module's claims
    from projections.rounds import Comment, Round

    if measure == "meeting_count":
        return sum(one.plan == plan and one.index < size for _, one in records.scan(Meeting))
    rounds = [key for key, one in records.scan(Round) if one.plan == plan and round_ in ("", key)]
    comments = [one for name in rounds for _, one in records.scan(Comment, prefix=f"{name}/") if one.index < size]
    if measure == "comment_count":
        return len(comments)
    if measure == "response_count":
        return sum(one.answered is not None and one.answered < size for one in comments)
    return sum(one.withheld is not None and one.withheld < size for one in comments)
