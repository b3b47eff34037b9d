"""Who held which key and which role, at which index: a fold over enrolments, grants, rotations and endings.

An *organisation* is an actor of form institution or organisation itself, and for an office or a program the actor
named in its `of`. All rules on independence speak of organisations, so a ministry gains no second voice by
registering an office.

Order is the index. A key or a grant counts for statements at later indexes than its own; its `from` and `until` are
compared with received times. Nothing here reads a clock.

The log's own keys stand beside those of people (`LogKeys`): a head is signed by the key in force at its size, which is
a question of indexes alone.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec
from msgspec import UNSET

from ledger.errors import Refused
from ledger.statement import parse_when
from ledger.tlog.note import parse_vkey
from ledger.vocabulary import (
    ActorRegistered,
    GrantScope,
    KeyEnrolled,
    KeyRevoked,
    KeyRotated,
    LedgerOpened,
    LogKeyRotated,
    RegistrarReplaced,
    RoleEnded,
    RoleGranted,
    Signer,
    Statement,
    WitnessRecognised,
)

_EVER = 2**63 - 1
# Roles that may not meet in one organisation, in one plan, at one time (rule A6).
JUDGED = frozenset({"coordinator", "institution"})
JUDGING = frozenset({"assessor", "irm", "moderator"})


class Actor(msgspec.Struct, frozen=True):
    """A registered body. `organisation` is itself, or the body that an office or program belongs to."""

    actor: str
    name: str
    form: str
    organisation: str


class HeldKey(msgspec.Struct, frozen=True):
    """A key and its holder, in force from `from_ms` (inclusive) to `until_ms` (exclusive) unless ended before."""

    actor: str
    from_ms: int
    until_ms: int
    revoked_at: int | None = None  # the index of the revocation
    replaced_at: int | None = None  # the index of the rotation, or the replacement of a registrar, that ended it

    def in_force(self, received_ms: int) -> bool:
        """Whether a statement received at this time, after all entries folded, may be signed with it."""
        return self.revoked_at is None and self.replaced_at is None and self.from_ms <= received_ms < self.until_ms


class Grant(msgspec.Struct, frozen=True):
    """A role of an actor, with its scope, from `from_ms` (inclusive) to `until_ms` (exclusive).

    A grant that was ended has the received time of its end as `until_ms`: later entries are not received earlier.
    """

    identity: str
    actor: str
    role: str
    scope: GrantScope
    from_ms: int
    until_ms: int
    sources: tuple[str, ...]
    ended_at: int | None = None  # the index of the statement that ended it

    def in_force(self, received_ms: int) -> bool:
        """Whether it covers anything received at this time."""
        return self.ended_at is None and self.from_ms <= received_ms < self.until_ms


class Reach(msgspec.Struct, frozen=True):
    """What a statement touches, as far as a grant's scope can restrict it."""

    plan: str | None
    institutions: tuple[str, ...]
    commitments: tuple[str, ...]
    round: str | None


class LogRotation(msgspec.Struct, frozen=True):
    """The entry `index` put the log key `new` in the place of `old`."""

    index: int
    old: str
    new: str


class LogKeys(msgspec.Struct):
    """The log's own keys (64 hex digits): those of the founding, and what each rotation put in the place of one."""

    first: tuple[str, ...] = ()
    rotations: list[LogRotation] = []

    @property
    def ever(self) -> tuple[str, ...]:
        """Every key that is or was the log's, in the order in which they became it."""
        return (*self.first, *(each.new for each in self.rotations))

    def at(self, size: int) -> frozenset[str]:
        """The keys in force for heads of `size` entries: a rotation counts for each head that covers its entry."""
        keys = set(self.first)
        for each in self.rotations:
            if each.index < size:
                keys.discard(each.old)
                keys.add(each.new)
        return frozenset(keys)


class Roster(msgspec.Struct):
    """Actors, keys and grants as of the last entry folded. Reading methods take the received time in ms."""

    actors: dict[str, Actor] = {}
    keys: dict[str, HeldKey] = {}
    grants: dict[str, list[Grant]] = {}
    log: LogKeys = msgspec.field(default_factory=LogKeys)
    recovery_keys: frozenset[str] = frozenset()
    recovery_threshold: int = 0
    witnesses: dict[str, str] = {}  # public key (hex) of each recognised witness -> its vkey

    # --- the fold

    def evolve(self, index: int, received_ms: int, identity: str, statement: object) -> None:
        """Take one admissible statement; others than the roster's kinds change nothing."""
        fold = _FOLDS.get(type(statement))
        if fold is not None:
            fold(self, index, received_ms, identity, statement)

    def enrol(self, actor: str, key: str, from_ms: int, until_ms: int = _EVER) -> None:
        """Give an actor a key."""
        self.keys[key] = HeldKey(actor, from_ms, until_ms)

    def grant(self, grant: Grant) -> None:
        """Give an actor a role."""
        self.grants.setdefault(grant.actor, []).append(grant)

    def end_grants(self, ended: Iterable[Grant], index: int, received_ms: int) -> None:
        """These grants cover nothing that comes after the entry `index`."""
        for grant in ended:
            over = msgspec.structs.replace(grant, until_ms=min(grant.until_ms, received_ms), ended_at=index)
            standing = self.grants[grant.actor]
            standing[standing.index(grant)] = over

    # --- questions

    def organisation(self, actor: str) -> str:
        """The organisation that an actor counts for. Raises KeyError for an unknown actor."""
        return self.actors[actor].organisation

    def form_of_organisation(self, actor: str) -> str:
        """`institution` or `organisation`: the form of the organisation that an actor counts for."""
        return self.actors[self.actors[actor].organisation].form

    def members(self, organisation: str) -> Iterator[str]:
        """Every actor that counts for an organisation."""
        return (actor.actor for actor in self.actors.values() if actor.organisation == organisation)

    def knows_key(self, key: str) -> bool:
        """Whether a key is or was an actor's, the log's, a witness's or for recovery: it is nobody else's ever."""
        return key in self.keys or key in self.log.ever or key in self.witnesses or key in self.recovery_keys

    def grants_made_by(self, identity: str, actor: str | None = None) -> list[Grant]:
        """The grants that one statement made, in force or not; of one actor only, if named."""
        return [
            grant
            for grants in self.grants.values()
            for grant in grants
            if grant.identity == identity and actor in (None, grant.actor)
        ]

    def check_key(self, signer: Signer, received_ms: int) -> None:
        """Rule A2: the key is enrolled for the actor it names, and in force. Raises Refused."""
        held = self.keys.get(signer.key)
        if held is None or held.actor != signer.actor:
            whose = f"the key {signer.key[:16]}…"
            raise Refused(
                "unknown-key", "A2", f"{whose} is not enrolled for `{signer.actor}`: ask two registrars to enrol it"
            )
        if held.revoked_at is not None:
            raise Refused(
                "revoked-key",
                "A2",
                f"the key {signer.key[:16]}… of `{signer.actor}` was revoked by entry {held.revoked_at}",
            )
        if held.replaced_at is not None:
            raise Refused(
                "revoked-key",
                "A2",
                f"the key {signer.key[:16]}… of `{signer.actor}` gave way to another by entry {held.replaced_at}",
            )
        if received_ms < held.from_ms:
            raise Refused("unknown-key", "A2", f"the key {signer.key[:16]}… of `{signer.actor}` is not in force yet")
        if received_ms >= held.until_ms:
            raise Refused("revoked-key", "A2", f"the key {signer.key[:16]}… of `{signer.actor}` has expired")

    def covering_grant(self, signer: Signer, received_ms: int, reach: Reach) -> Grant:
        """Rule A3: a grant of the signer's role, in force, whose scope covers what the statement touches.

        Raises Refused (role-scope) that says what the nearest grant lacks.
        """
        lacking = f"`{signer.actor}` holds no grant of the role `{signer.role}`"
        for grant in self.grants.get(str(signer.actor), ()):
            if grant.role != signer.role:
                continue
            if grant.ended_at is not None:
                lacking = f"the grant of `{signer.role}` to `{signer.actor}` was ended by entry {grant.ended_at}"
                continue
            if not grant.in_force(received_ms):
                lacking = f"the grant of `{signer.role}` to `{signer.actor}` is not in force at this time"
                continue
            uncovered = _uncovered(grant.scope, reach)
            if uncovered is None:
                return grant
            lacking = f"the grant of `{signer.role}` to `{signer.actor}` does not cover {uncovered}"
        raise Refused("role-scope", "A3", lacking)

    def conflicting_role(self, wanted: Grant) -> Grant | None:
        """Rule A6: a grant of the same organisation that `wanted` may not stand beside, or None."""
        opposite = JUDGING if wanted.role in JUDGED else JUDGED if wanted.role in JUDGING else frozenset[str]()
        for actor in self.members(self.organisation(wanted.actor)):
            for grant in self.grants.get(actor, ()):
                if (
                    grant.role in opposite
                    and grant.from_ms < wanted.until_ms
                    and wanted.from_ms < grant.until_ms
                    and _plans_meet(grant.scope, wanted.scope)
                ):
                    return grant
        return None

    def held_judged_role(self, organisation: str, plan: str) -> bool:
        """Whether an organisation has ever held coordinator or institution in a plan."""
        return any(
            grant.role in JUDGED and (grant.scope.plans is UNSET or plan in grant.scope.plans)
            for actor in self.members(organisation)
            for grant in self.grants.get(actor, ())
        )

    def check_two_registrars(self, actors: Iterable[str], rule: str) -> None:
        """K2: two registrars of different organisations, at least one of form organisation. Raises Refused."""
        organisations = {self.organisation(actor) for actor in actors}
        if len(organisations) < 2:
            only = ", ".join(sorted(organisations))
            raise Refused("role-scope", rule, f"both registrars are of `{only}`: two organisations must sign")
        if not any(self.actors[organisation].form == "organisation" for organisation in organisations):
            raise Refused("role-scope", rule, "one of the two registrars must be of form organisation (civil society)")

    def registrars(self, received_ms: int) -> list[Grant]:
        """The grants of the role registrar that are in force."""
        return [
            grant
            for grants in self.grants.values()
            for grant in grants
            if grant.role == "registrar" and grant.in_force(received_ms)
        ]

    def registrars_left(self, received_ms: int, *, without_key: str = "", without: Iterable[Grant] = ()) -> set[str]:
        """Organisations that could sign as registrar if that key, or those grants, were gone."""
        gone = tuple(without)
        holders = {held.actor for key, held in self.keys.items() if key != without_key and held.in_force(received_ms)}
        return {
            self.organisation(grant.actor)
            for grant in self.registrars(received_ms)
            if grant.actor in holders and grant not in gone
        }

    def check_k2_left(
        self, rule: str, received_ms: int, *, without_key: str = "", without: Iterable[Grant] = ()
    ) -> None:
        """K2 stays possible without that key, or those grants. Raises Refused.

        What takes no registrar's organisation away is never refused for this: whoever has lost a key may say so even
        where K2 has become impossible otherwise.
        """
        left = self.registrars_left(received_ms, without_key=without_key, without=without)
        if left == self.registrars_left(received_ms):
            return
        if len(left) < 2 or not any(self.actors[one].form == "organisation" for one in left):
            raise Refused("state", rule, "without it no two registrars of different organisations would be left")


# --- the fold, kind by kind ------------------------------------------------------------------------------------------

S = TypeVar("S", bound=Statement)
_Fold = Callable[[Roster, int, int, str, S], None]
_FOLDS: dict[type[object], Callable[[Roster, int, int, str, object], None]] = {}


def _folds(kind: type[S]) -> Callable[[_Fold[S]], _Fold[S]]:
    """Register what a kind changes: (roster, index, received time in ms, identity, statement)."""

    def register(fold: _Fold[S]) -> _Fold[S]:
        _FOLDS[kind] = fold  # type: ignore[assignment]
        return fold

    return register


@_folds(LedgerOpened)
def _(roster: Roster, _index: int, received_ms: int, identity: str, founding: LedgerOpened) -> None:
    roster.log.first = founding.log_keys
    roster.recovery_keys = frozenset(founding.recovery.keys)
    roster.recovery_threshold = founding.recovery.threshold
    for one in founding.registrars:
        of = one.actor if one.of is UNSET else one.of
        roster.actors[one.actor] = Actor(one.actor, one.name, one.form, of)
        roster.enrol(one.actor, one.key, received_ms)
        roster.grant(Grant(identity, one.actor, "registrar", GrantScope(), received_ms, _EVER, ()))


@_folds(ActorRegistered)
def _(roster: Roster, _index: int, _ms: int, _identity: str, registered: ActorRegistered) -> None:
    of = registered.actor if registered.of is UNSET else registered.of
    roster.actors[registered.actor] = Actor(registered.actor, registered.name, registered.form, of)


@_folds(KeyEnrolled)
def _(roster: Roster, _index: int, received_ms: int, _identity: str, enrolled: KeyEnrolled) -> None:
    since = received_ms if enrolled.from_ is UNSET else parse_when(enrolled.from_)
    until = _EVER if enrolled.until is UNSET else parse_when(enrolled.until)
    roster.enrol(enrolled.actor, enrolled.key, since, until)


@_folds(KeyRotated)
def _(roster: Roster, index: int, received_ms: int, _identity: str, rotated: KeyRotated) -> None:
    held = roster.keys[rotated.old]
    roster.keys[rotated.old] = msgspec.structs.replace(held, replaced_at=index)
    # A holder alone gives no key a longer life than the registrars gave the first one.
    roster.enrol(held.actor, rotated.new, received_ms, held.until_ms)


@_folds(KeyRevoked)
def _(roster: Roster, index: int, _ms: int, _identity: str, revoked: KeyRevoked) -> None:
    held = roster.keys[revoked.key]
    roster.keys[revoked.key] = msgspec.structs.replace(held, revoked_at=index)


@_folds(RoleGranted)
def _(roster: Roster, _index: int, received_ms: int, identity: str, granted: RoleGranted) -> None:
    roster.grant(grant_of(granted, identity, received_ms))


@_folds(RoleEnded)
def _(roster: Roster, index: int, received_ms: int, _identity: str, ended: RoleEnded) -> None:
    roster.end_grants(roster.grants_made_by(ended.grant, holder_of(ended)), index, received_ms)


@_folds(RegistrarReplaced)
def _(roster: Roster, index: int, received_ms: int, identity: str, replaced: RegistrarReplaced) -> None:
    lost = [grant for grant in roster.grants.get(replaced.removed, ()) if grant.role == "registrar"]
    roster.end_grants([grant for grant in lost if grant.ended_at is None], index, received_ms)
    for key, held in roster.keys.items():
        if held.actor == replaced.removed and held.revoked_at is None and held.replaced_at is None:
            roster.keys[key] = msgspec.structs.replace(held, replaced_at=index)
    of = replaced.actor if replaced.of is UNSET else replaced.of
    roster.actors.setdefault(replaced.actor, Actor(replaced.actor, replaced.name, replaced.form, of))
    roster.enrol(replaced.actor, replaced.key, received_ms)
    roster.grant(Grant(identity, replaced.actor, "registrar", GrantScope(), received_ms, _EVER, ()))


@_folds(LogKeyRotated)
def _(roster: Roster, index: int, _ms: int, _identity: str, rotated: LogKeyRotated) -> None:
    roster.log.rotations.append(LogRotation(index, rotated.old, rotated.new))


@_folds(WitnessRecognised)
def _(roster: Roster, _index: int, _ms: int, _identity: str, recognised: WitnessRecognised) -> None:
    roster.witnesses[parse_vkey(recognised.vkey).public_key.hex()] = recognised.vkey


def holder_of(ended: RoleEnded) -> str | None:
    """The actor whose grant a holder ends; None where registrars end it, which name it by its statement."""
    signer = ended.by[0]
    return str(signer.actor) if signer.role == "holder" else None


def grant_of(statement: RoleGranted, identity: str, received_ms: int) -> Grant:
    """The grant that a RoleGranted makes when it is received at `received_ms`."""
    return Grant(
        identity,
        statement.actor,
        statement.role,
        statement.scope,
        received_ms if statement.from_ is UNSET else parse_when(statement.from_),
        _EVER if statement.until is UNSET else parse_when(statement.until),
        () if statement.sources is UNSET else statement.sources,
    )


def _uncovered(scope: GrantScope, reach: Reach) -> str | None:
    """What of `reach` a scope does not cover, in words; None when it covers all."""
    if scope.plans is not UNSET and reach.plan is not None and reach.plan not in scope.plans:
        return f"the plan `{reach.plan}`"
    if scope.institution is not UNSET:
        for institution in reach.institutions:
            if institution != scope.institution:
                return f"the institution `{institution}`"
    if scope.commitments is not UNSET:
        for commitment in reach.commitments:
            if commitment not in scope.commitments:
                return f"the commitment {commitment}"
    if scope.rounds is not UNSET and reach.round is not None and reach.round not in scope.rounds:
        return f"the round `{reach.round}`"
    return None


def _plans_meet(one: GrantScope, other: GrantScope) -> bool:
    """Whether two scopes share a plan; a scope without plans is every plan."""
    return one.plans is UNSET or other.plans is UNSET or not set(one.plans).isdisjoint(other.plans)
