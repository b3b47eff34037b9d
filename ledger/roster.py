"""Who held which key and which role, at which index: a fold over enrolments, grants and revocations.

An *organisation* is an actor of form institution or organisation itself, and for an office or a program the actor
named in its `of`. All rules on independence speak of organisations, so a ministry gains no second voice by
registering an office.

Order is the index. A key or a grant counts for statements at later indexes than its own; its `from` and `until` are
compared with received times. Nothing here reads a clock.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET

from ledger.errors import Refused
from ledger.statement import parse_when
from ledger.vocabulary import (
    ActorRegistered,
    GrantScope,
    KeyEnrolled,
    KeyRevoked,
    LedgerOpened,
    RoleGranted,
    Signer,
)

_EVER = 2**63 - 1
_ROSTER_KINDS = frozenset({LedgerOpened, ActorRegistered, KeyEnrolled, KeyRevoked, RoleGranted})
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
    """A key and its holder, in force from `from_ms` (inclusive) to `until_ms` (exclusive) unless revoked."""

    actor: str
    from_ms: int
    until_ms: int
    revoked_at: int | None = None  # the index of the revocation


class Grant(msgspec.Struct, frozen=True):
    """A role of an actor, with its scope, from `from_ms` (inclusive) to `until_ms` (exclusive)."""

    identity: str
    actor: str
    role: str
    scope: GrantScope
    from_ms: int
    until_ms: int
    sources: tuple[str, ...]


class Reach(msgspec.Struct, frozen=True):
    """What a statement touches, as far as a grant's scope can restrict it."""

    plan: str | None
    institutions: tuple[str, ...]
    commitments: tuple[str, ...]
    round: str | None


class Roster(msgspec.Struct):
    """Actors, keys and grants as of the last entry folded. Reading methods take the received time in ms."""

    actors: dict[str, Actor] = {}
    keys: dict[str, HeldKey] = {}
    grants: dict[str, list[Grant]] = {}
    log_keys: frozenset[str] = frozenset()
    recovery_keys: frozenset[str] = frozenset()

    # --- the fold

    def evolve(self, index: int, received_ms: int, identity: str, statement: object) -> None:
        """Take one admissible statement; others than the roster's kinds change nothing."""
        if type(statement) not in _ROSTER_KINDS:
            return
        match statement:
            case LedgerOpened():
                self.log_keys = frozenset(statement.log_keys)
                self.recovery_keys = frozenset(statement.recovery.keys)
                for one in statement.registrars:
                    of = one.actor if one.of is UNSET else one.of
                    self.actors[one.actor] = Actor(one.actor, one.name, one.form, of)
                    self.keys[one.key] = HeldKey(one.actor, received_ms, _EVER)
                    founding = Grant(identity, one.actor, "registrar", GrantScope(), received_ms, _EVER, ())
                    self.grants.setdefault(one.actor, []).append(founding)
            case ActorRegistered():
                of = statement.actor if statement.of is UNSET else statement.of
                self.actors[statement.actor] = Actor(statement.actor, statement.name, statement.form, of)
            case KeyEnrolled():
                since = received_ms if statement.from_ is UNSET else parse_when(statement.from_)
                until = _EVER if statement.until is UNSET else parse_when(statement.until)
                self.keys[statement.key] = HeldKey(statement.actor, since, until)
            case KeyRevoked():
                held = self.keys[statement.key]
                self.keys[statement.key] = HeldKey(held.actor, held.from_ms, held.until_ms, index)
            case RoleGranted():
                grant = grant_of(statement, identity, received_ms)
                self.grants.setdefault(grant.actor, []).append(grant)
            case _:
                pass

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
            if not grant.from_ms <= received_ms < grant.until_ms:
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

    def registrars_left(self, received_ms: int, without_key: str) -> set[str]:
        """Organisations that could still sign as registrar if `without_key` were revoked."""
        return {
            self.organisation(held.actor)
            for key, held in self.keys.items()
            if key != without_key
            and held.revoked_at is None
            and held.from_ms <= received_ms < held.until_ms
            and any(
                grant.role == "registrar" and grant.from_ms <= received_ms < grant.until_ms
                for grant in self.grants.get(held.actor, ())
            )
        }


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
