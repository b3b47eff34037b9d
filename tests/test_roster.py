"""Keys and roles end, give way and are replaced by statements: what each refuses, and that its honest neighbour passes.

Named after the adversaries: a stolen key, lost or captive registrars, two ministries who found or capture a roster.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import msgspec
import pytest
import world as w
from world import G2, PLAN, World, digest_of, found, founding, key_of, opened, public

from ledger import rulebook
from ledger.docket import Docket
from ledger.errors import Refused
from ledger.rulebook import check_admissible
from ledger.statement import format_when, open_statement, sign_statement
from ledger.tlog.note import COSIGNATURE_ED25519, ED25519, format_vkey
from ledger.vocabulary import KINDS

DAY = 86_400_000
K2 = w.REGISTRARS
RECOVERY = ("recovery-1:recovery", "recovery-2:recovery")
WITNESS = format_vkey("witness.example/w1", COSIGNATURE_ED25519, bytes(key_of("witness").verify_key))


def refused(code: str, world: World, kind: str, *who: str, by_rule: str | None = None, **fields: Any) -> None:
    """Assert that the statement is refused under `code`, and that saying it changes nothing."""
    size = world.docket.size
    with pytest.raises(Refused) as caught:
        world.say(kind, *who, **fields)
    assert (caught.value.code, world.docket.size) == (code, size), caught.value
    if by_rule is not None:
        assert caught.value.rule == by_rule, caught.value


def level(level: str = "limited", **fields: Any) -> dict[str, Any]:
    return {"subject": G2, "level": level, "reason": "Avance.", "evidence": [], **fields}


def replay(world: World) -> Docket:
    """Judge and fold every entry anew, as an auditor does."""
    docket = Docket(world.origin)
    for entry in world.entries:
        check_admissible(entry.opened, entry.received_ms, docket)
        docket.evolve(entry.received_ms, entry.opened)
    return docket


def signed(world: World, kind: str, by: list[dict[str, str]], keys: list[str], **fields: Any) -> Any:
    """A statement with signers that `World.signer` would not write, opened."""
    plain = {"kind": kind, "by": by, "said_at": format_when(world.now_ms), "lang": "es-GT", **fields}
    note = sign_statement(world.origin, msgspec.convert(plain, KINDS[kind]), [key_of(one) for one in keys])
    return open_statement(note, world.origin)


# --- rotation of a person's key


def rotation(actor: str = "minfin", old: str = "minfin", new: str = "minfin/b") -> dict[str, str]:
    return {"actor": actor, "old": public(old), "new": public(new)}


def test_a_rotated_key_ends_at_the_index_and_the_next_one_begins() -> None:
    world = found()
    before = world.say("CompletionReported", "minfin:institution", **level())

    world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotation())

    refused("revoked-key", world, "CompletionReported", "minfin:institution", **level("substantial"), by_rule="A2")
    world.say("CompletionReported", "minfin/b:institution", **level("substantial"))
    assert replay(world).index_of(before.opened.identity) == before.index  # what was said before stays


def test_a_rotation_needs_both_lines_the_old_keys_first() -> None:
    world = found()
    refused("shape", world, "KeyRotated", "minfin:holder", **rotation())
    refused("unknown-key", world, "KeyRotated", "minfin/b:holder", "minfin:holder", **rotation())
    refused("role-scope", world, "KeyRotated", *K2, **rotation())


@pytest.mark.parametrize(
    ("code", "who", "fields"),
    [
        ("shape", ("minfin:holder", "minfin/b:holder"), rotation(old="segeplan")),
        ("shape", ("minfin:holder", "minfin/b:holder"), rotation(new="minfin/c")),
        ("shape", ("minfin:holder", "minfin/b:holder"), rotation(actor="segeplan")),
        ("shape", ("minfin:holder", "segeplan/b:holder"), rotation(new="segeplan/b")),
        ("unknown-key", ("nadie:holder", "nadie/b:holder"), rotation("nadie", "nadie", "nadie/b")),
    ],
)
def test_a_rotation_is_of_one_actors_keys(code: str, who: tuple[str, str], fields: dict[str, str]) -> None:
    refused(code, found(), "KeyRotated", *who, **fields)


@pytest.mark.parametrize("taken", ["segeplan", "log", "recovery-1", "witness"])
def test_one_key_is_never_two_things(taken: str) -> None:
    world = found()
    world.say("WitnessRecognised", *K2, vkey=WITNESS)
    holder = {"actor": "minfin", "key": public(taken), "role": "holder"}
    case = signed(
        world,
        "KeyRotated",
        [world.signer("minfin:holder"), holder],
        ["minfin", taken],
        **rotation(new=taken),
    )
    with pytest.raises(Refused) as caught:
        check_admissible(case, world.now_ms, world.docket)
    assert caught.value.code == "id-conflict"
    refused("id-conflict", world, "LogKeyRotated", *K2, old=public("log"), new=public(taken))


def test_a_rotated_key_never_comes_back() -> None:
    world = found()
    world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotation())
    back = rotation(old="minfin/b", new="minfin")
    refused("id-conflict", world, "KeyRotated", "minfin/b:holder", "minfin:holder", **back)


def test_a_holder_alone_gives_no_key_a_longer_life() -> None:
    world = found()
    until = world.now_ms + 3 * DAY
    fields = {"actor": "minfin", "key": public("minfin/corta"), "until": format_when(until)}
    world.say("KeyEnrolled", *K2, "minfin/corta:holder", **fields)
    world.say("KeyRotated", "minfin/corta:holder", "minfin/b:holder", **rotation(old="minfin/corta"))
    world.say("CompletionReported", "minfin/b:institution", **level())
    world.now_ms = until
    refused("revoked-key", world, "CompletionReported", "minfin/b:institution", **level("substantial"))


# --- stolen actor key


def test_a_stolen_key_before_at_and_after_the_revoking_index() -> None:
    world = found()
    before = world.say("CompletionReported", "minfin:institution", **level())
    since = format_when(before.received_ms)
    revoked = world.say("KeyRevoked", *K2, key=public("minfin"), cause="compromised", since=since)
    refused("revoked-key", world, "CompletionReported", "minfin:institution", **level("substantial"), by_rule="A2")
    refused("revoked-key", world, "KeyRotated", "minfin:holder", "minfin/b:holder", **rotation())
    assert replay(world).size == revoked.index + 1  # admissibility does not change


@pytest.mark.parametrize(("back", "code"), [(30 * DAY, None), (30 * DAY + 1_000, "role-scope"), (-1_000, "shape")])
def test_a_compromise_reaches_thirty_days_back_for_two_registrars(back: int, code: str | None) -> None:
    world = found()
    world.now_ms += 90 * DAY
    world.now_ms -= world.now_ms % 1_000
    fields = {"key": public("minfin"), "cause": "compromised", "since": format_when(world.now_ms - back)}
    if code is None:
        world.say("KeyRevoked", *K2, **fields)
    else:
        refused(code, world, "KeyRevoked", *K2, **fields)


def test_what_gave_way_can_still_be_declared_compromised() -> None:
    world = found()
    world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotation())
    key, since = public("minfin"), format_when(world.now_ms)
    refused("state", world, "KeyRevoked", "minfin/b:holder", key=key, cause="retired")
    world.say("KeyRevoked", "minfin/b:holder", key=key, cause="compromised", since=since)
    refused("state", world, "KeyRevoked", *K2, key=key, cause="compromised", since=since)


def test_whoever_has_lost_a_key_may_say_so_even_where_no_two_registrars_are_left() -> None:
    world = opened()
    until = world.now_ms + DAY
    for actor in ("minfin", "segeplan"):
        world.say("ActorRegistered", *K2, actor=actor, form="institution", name=actor)
        world.say("KeyEnrolled", *K2, f"{actor}:holder", actor=actor, key=public(actor))
    for actor in ("icefi", "guatecivica"):  # their keys will end; the roster will be frozen
        more = f"{actor}/corta"
        fields = {"actor": actor, "key": public(more), "until": format_when(until)}
        world.say("KeyEnrolled", *K2, f"{more}:holder", **fields)
    world.say("KeyRevoked", "icefi:holder", key=public("icefi"), cause="retired")
    world.say("KeyRevoked", "guatecivica:holder", key=public("guatecivica"), cause="retired")
    world.now_ms = until
    world.say("KeyRevoked", "minfin:holder", key=public("minfin"), cause="lost")


# --- roles end


def role(world: World, actor: str = "minfin") -> str:
    """The identity of the grant of `institution` to an actor."""
    (grant,) = [one for one in world.docket.roster.grants[actor] if one.role == "institution"]
    return grant.identity


def test_a_role_ends_at_the_index() -> None:
    world = found()
    world.say("CompletionReported", "minfin:institution", **level())
    world.say("RoleEnded", *K2, grant=role(world), words={"text": "Cambio de gobierno."})
    refused("role-scope", world, "CompletionReported", "minfin:institution", **level("substantial"), by_rule="A3")
    refused("state", world, "RoleEnded", *K2, grant=role(world), words={"text": "Otra vez."})
    replay(world)


def test_a_holder_ends_their_own_role_and_nobody_elses() -> None:
    world = found()
    fields: dict[str, Any] = {"grant": role(world), "words": {"text": "Renuncia."}}
    refused("role-scope", world, "RoleEnded", "segeplan:holder", **fields)
    refused("role-scope", world, "RoleEnded", "ana:citizen", **fields)
    world.say("RoleEnded", "minfin:holder", **fields)


def test_only_a_grant_is_ended() -> None:
    world = found()
    refused("unknown-ref", world, "RoleEnded", *K2, grant=digest_of("nada"), words={"text": "x"})
    refused("unknown-ref", world, "RoleEnded", *K2, grant=world.entries[1].opened.identity, words={"text": "x"})


def test_what_ended_stands_in_nobodys_way_but_is_not_forgotten() -> None:
    world = found()
    world.say("RoleEnded", *K2, grant=role(world), words={"text": "Deja de ser responsable."})
    world.say("RoleGranted", *K2, actor="minfin", role="assessor", scope={"plans": [PLAN]})
    assert world.docket.roster.held_judged_role("minfin", PLAN)


def test_a_founding_registrar_resigns_alone_while_two_organisations_are_left() -> None:
    world = found()
    fields: dict[str, Any] = {"grant": world.entries[0].opened.identity, "words": {"text": "Se retira."}}
    refused("state", world, "RoleEnded", *K2, **fields)  # which of the three?
    refused("role-scope", world, "RoleEnded", "minfin:holder", **fields)
    world.say("RoleEnded", "guatecivica:holder", **fields)
    refused(
        "role-scope", world, "ActorRegistered", "guatecivica:registrar", "copret:registrar", **actor(), by_rule="A3"
    )
    refused("state", world, "RoleEnded", "icefi:holder", **fields)  # a ministry alone
    refused("state", world, "RoleEnded", "copret:holder", **fields)  # an organisation alone
    world.say("ActorRegistered", *K2, **actor())


def actor(name: str = "nuevo") -> dict[str, str]:
    return {"actor": name, "form": "organisation", "name": name}


def test_no_end_of_a_role_leaves_two_ministries() -> None:
    world = found()
    granted = world.say("RoleGranted", *K2, actor="minfin", role="registrar", scope={}).opened.identity
    founded = world.entries[0].opened.identity
    words = {"text": "Se retira."}
    world.say("RoleEnded", "guatecivica:holder", grant=founded, words=words)
    refused("state", world, "RoleEnded", "icefi:holder", grant=founded, words=words)
    world.say("RoleEnded", *K2, grant=granted, words=words)


# --- two ministries as K2


def test_of_every_pair_of_registrars_only_mixed_ones_pass() -> None:
    world = found()
    world.say("RoleGranted", *K2, actor="minfin", role="registrar", scope={})
    world.say("ActorRegistered", *K2, actor="oficina", form="office", of="copret", name="Oficina")
    world.say("KeyEnrolled", *K2, "oficina:holder", actor="oficina", key=public("oficina"))
    world.say("RoleGranted", *K2, actor="oficina", role="registrar", scope={})
    government = {"copret": "copret", "minfin": "minfin", "oficina": "copret"}
    passed: list[tuple[str, str]] = []
    for number, pair in enumerate(combinations(["icefi", "guatecivica", *government], 2)):
        who = [f"{one}:registrar" for one in pair]
        if all(one in government for one in pair):
            refused("role-scope", world, "ActorRegistered", *who, **actor(f"n-{number}"))
        else:
            world.say("ActorRegistered", *who, **actor(f"n-{number}"))
            passed.append(pair)
    assert len(passed) == 7


OF_REGISTRARS: list[tuple[str, Callable[[World], dict[str, Any]]]] = [
    ("KeyRevoked", lambda _: {"key": public("segeplan"), "cause": "lost"}),
    ("RoleEnded", lambda world: {"grant": role(world), "words": {"text": "x"}}),
    ("LogKeyRotated", lambda _: {"old": public("log"), "new": public("log-2")}),
    ("WitnessRecognised", lambda _: {"vkey": WITNESS}),
    ("RulebookAdopted", lambda _: {"version": 2, "document": digest_of("r"), "from_index": 9_999}),
]


@pytest.mark.parametrize(("kind", "fields"), OF_REGISTRARS)
def test_k2_is_asked_of_every_kind_that_names_it(kind: str, fields: Callable[[World], dict[str, Any]]) -> None:
    world = found()
    world.say("RoleGranted", *K2, actor="minfin", role="registrar", scope={})
    world.say("KeyEnrolled", *K2, "icefi/b:holder", actor="icefi", key=public("icefi/b"))
    one_organisation = ("icefi:registrar", "icefi/b:registrar")
    two_ministries = ("copret:registrar", "minfin:registrar")
    for who in (one_organisation, two_ministries):
        refused("role-scope", world, kind, *who, by_rule="A3", **fields(world))
    refused("role-scope", world, kind, "icefi:registrar", by_rule="A1", **fields(world))


# --- lost or captive registrars


def replacement(removed: str = "icefi", new: str = "dosis", **fields: Any) -> dict[str, Any]:
    return {
        "removed": removed,
        "actor": new,
        "name": new.upper(),
        "form": "organisation",
        "key": public(new),
        "reason": "Perdió su llave.",
        **fields,
    }


def test_after_a_replacement_two_registrars_of_different_organisations_work_again() -> None:
    world = found()
    world.say("RegistrarReplaced", *RECOVERY, "dosis:holder", **replacement())
    refused("revoked-key", world, "ActorRegistered", *K2, **actor())  # the one removed
    world.say("ActorRegistered", "dosis:registrar", "copret:registrar", **actor())
    replay(world)


def test_the_one_who_is_removed_keeps_no_key_and_no_registrars_role() -> None:
    world = found()
    world.say("KeyEnrolled", *K2, "icefi/b:holder", actor="icefi", key=public("icefi/b"))
    world.say("RegistrarReplaced", *RECOVERY, "dosis:holder", **replacement())
    k2 = ("dosis:registrar", "copret:registrar")
    for key in ("icefi", "icefi/b"):
        refused("revoked-key", world, "ActorRegistered", f"{key}:registrar", "copret:registrar", **actor())
    world.say("KeyEnrolled", *k2, "icefi/c:holder", actor="icefi", key=public("icefi/c"))
    refused("role-scope", world, "ActorRegistered", "icefi/c:registrar", "copret:registrar", **actor(), by_rule="A3")
    since = format_when(world.now_ms)
    world.say("KeyRevoked", *k2, key=public("icefi"), cause="compromised", since=since)


def test_whoever_lost_all_keys_is_replaced_by_itself_with_another() -> None:
    world = found()
    again = replacement("icefi", "icefi", key=public("icefi/nueva"))
    world.say("RegistrarReplaced", *RECOVERY, "icefi/nueva:holder", **again)
    world.say("ActorRegistered", "icefi/nueva:registrar", "copret:registrar", **actor())


def test_registrars_who_all_lost_their_keys_are_replaced_one_after_the_other() -> None:
    world = opened()
    for lost in ("icefi", "guatecivica", "copret"):
        form = "institution" if lost == "copret" else "organisation"
        name = {"icefi": "ICEFI", "guatecivica": "Guatecívica", "copret": "COPRET"}[lost]
        fields = replacement(lost, lost, name=name, form=form, key=public(f"{lost}/2"))
        world.say("RegistrarReplaced", *RECOVERY, f"{lost}/2:holder", **fields)
    world.say("ActorRegistered", "icefi/2:registrar", "copret/2:registrar", **actor())


def test_too_few_recovery_keys_or_others_replace_nobody() -> None:
    world = World()
    recovery = {"keys": [public(f"recovery-{number}") for number in (1, 2, 3, 4)], "threshold": 3}
    world.say("LedgerOpened", *w.FOUNDERS, **founding(recovery=recovery))
    refused("role-scope", world, "RegistrarReplaced", *RECOVERY, "dosis:holder", **replacement())
    refused("shape", world, "RegistrarReplaced", "recovery-1:recovery", "dosis:holder", **replacement())
    refused("shape", world, "RegistrarReplaced", *RECOVERY, "recovery-3:recovery", **replacement())  # no holder
    refused("unknown-key", world, "RegistrarReplaced", *RECOVERY, "otra:recovery", "dosis:holder", **replacement())
    refused("role-scope", world, "RegistrarReplaced", *K2, "dosis:holder", **replacement())
    world.say("RegistrarReplaced", *RECOVERY, "recovery-4:recovery", "dosis:holder", **replacement())


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("unknown-ref", replacement("nadie")),
        ("state", replacement("minfin")),  # no registrar
        ("shape", replacement(key=public("otra"))),
        ("shape", replacement(actor="otra")),
        ("shape", replacement(form="office")),
        ("unknown-ref", replacement(form="office", of="nadie")),
        ("role-scope", replacement(form="office", of="copret")),  # two organisations only
        ("role-scope", replacement(form="program", of="guatecivica")),
    ],
)
def test_a_replacement_keeps_what_the_founding_needs(code: str, fields: dict[str, Any]) -> None:
    refused(code, found(), "RegistrarReplaced", *RECOVERY, "dosis:holder", **fields)


def test_a_replacement_leaves_civil_society_among_the_registrars() -> None:
    registrars = [
        {"actor": "icefi", "name": "ICEFI", "form": "organisation", "key": public("icefi")},
        {"actor": "minfin", "name": "MINFIN", "form": "institution", "key": public("minfin")},
        {"actor": "copret", "name": "COPRET", "form": "institution", "key": public("copret")},
    ]
    world = World()
    world.say("LedgerOpened", *[f"{one['actor']}:registrar" for one in registrars], **founding(registrars=registrars))
    taken = replacement(form="institution")
    refused("role-scope", world, "RegistrarReplaced", *RECOVERY, "dosis:holder", **taken)
    world.say("RegistrarReplaced", *RECOVERY, "dosis:holder", **replacement())


def test_a_body_that_is_registered_is_taken_as_it_is() -> None:
    world = found()
    irm = {"name": "irm", "key": public("irm/registro")}
    who = (*RECOVERY, "irm/registro:holder")
    for wrong in ({"form": "institution"}, {"name": "Otro"}, {"form": "program", "of": "copret"}):
        refused("id-conflict", world, "RegistrarReplaced", *who, **{**replacement(**irm), "actor": "irm", **wrong})
    world.say("RegistrarReplaced", *who, **{**replacement(**irm), "actor": "irm", "name": "IRM"})


@pytest.mark.parametrize("taken", ["minfin", "log", "recovery-1"])
def test_the_new_registrars_key_is_a_new_one(taken: str) -> None:
    world = World()
    recovery = {"keys": [public(f"recovery-{number}") for number in (1, 2, 3)], "threshold": 2}
    world.say("LedgerOpened", *w.FOUNDERS, **founding(recovery=recovery))
    w.add_actor(world, "minfin", "institution")
    by = [world.signer(f"recovery-{number}:recovery") for number in (2, 3)]
    by.append({"actor": "dosis", "key": public(taken), "role": "holder"})
    case = signed(world, "RegistrarReplaced", by, ["recovery-2", "recovery-3", taken], **replacement(key=public(taken)))
    with pytest.raises(Refused) as caught:
        check_admissible(case, world.now_ms, world.docket)
    assert caught.value.code == "id-conflict"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"RegistrarReplaced"}))
def test_recovery_keys_are_usable_for_nothing_else(kind: str) -> None:
    with pytest.raises(Refused) as caught:
        rulebook.check_signers(KINDS[kind], ("recovery", "recovery"))
    assert caught.value.code == "role-scope"


def test_a_recovery_key_grants_nothing_as_registrar_either() -> None:
    world = found()
    case = signed(
        world,
        "RoleGranted",
        [{"actor": "icefi", "key": public("recovery-1"), "role": "registrar"}, world.signer("copret:registrar")],
        ["recovery-1", "copret"],
        actor="icefi",
        role="moderator",
        scope={},
    )
    with pytest.raises(Refused) as caught:
        check_admissible(case, world.now_ms, world.docket)
    assert caught.value.code == "unknown-key"


# --- the log's key


def test_a_log_key_gives_way_to_one_that_was_nobodys() -> None:
    world = found()
    log, new, third = public("log"), public("log-2"), public("log-3")
    refused("state", world, "LogKeyRotated", *K2, old=new, new=third)
    refused("weak-key", world, "LogKeyRotated", *K2, old=log, new="01" + "00" * 31)
    index = world.say("LogKeyRotated", *K2, old=log, new=new).index
    refused("state", world, "LogKeyRotated", *K2, old=log, new=third)
    refused("id-conflict", world, "LogKeyRotated", *K2, old=new, new=log)
    keys = replay(world).roster.log
    assert (keys.at(index), keys.at(index + 1), keys.ever) == ({log}, {new}, (log, new))
    world.say("LogKeyRotated", *K2, old=new, new=third)
    assert world.docket.roster.log.at(world.docket.size) == {third}


def test_of_several_keys_at_the_founding_one_is_replaced_at_a_time() -> None:
    world = World()
    world.say("LedgerOpened", *w.FOUNDERS, **founding(log_keys=[public("log"), public("log-b")]))
    world.say("LogKeyRotated", *K2, old=public("log"), new=public("log-2"))
    assert world.docket.roster.log.at(world.docket.size) == {public("log-b"), public("log-2")}


def test_the_logs_next_key_is_for_nobody_else() -> None:
    world = found()
    world.say("LogKeyRotated", *K2, old=public("log"), new=public("log-2"))
    world.open_round()
    refused("role-scope", world, "CommentSubmitted", "log-2:citizen", **world.comment("log-2"), by_rule="A4")
    who = ("minfin:holder", "log-2:holder")
    case = signed(
        world,
        "KeyRotated",
        [world.signer(who[0]), {"actor": "minfin", "key": public("log-2"), "role": "holder"}],
        ["minfin", "log-2"],
        **rotation(new="log-2"),
    )
    with pytest.raises(Refused) as caught:
        check_admissible(case, world.now_ms, world.docket)
    assert caught.value.code == "id-conflict"


# --- witnesses, rulebooks


def test_a_witness_is_recognised_once_by_a_key_that_cosigns() -> None:
    world = found()
    signs = format_vkey("witness.example/w1", ED25519, bytes(key_of("witness").verify_key))
    another_id = WITNESS.replace("+", "+0", 1).replace(WITNESS.split("+")[1], WITNESS.split("+")[1][:-1])
    for wrong in (signs, another_id):
        refused("shape", world, "WitnessRecognised", *K2, vkey=wrong)
    weak = format_vkey("witness.example/w1", COSIGNATURE_ED25519, b"\x01" + bytes(31))
    refused("weak-key", world, "WitnessRecognised", *K2, vkey=weak)
    minfins = format_vkey("witness.example/w2", COSIGNATURE_ED25519, bytes(key_of("minfin").verify_key))
    refused("id-conflict", world, "WitnessRecognised", *K2, vkey=minfins)
    world.say("WitnessRecognised", *K2, vkey=WITNESS, url="https://witness.example/w1")
    refused("id-conflict", world, "WitnessRecognised", *K2, vkey=WITNESS)
    world.open_round()
    refused("role-scope", world, "CommentSubmitted", "witness:citizen", **world.comment("witness"), by_rule="A4")


@pytest.mark.parametrize(
    "vkey", ["w1", "w 1+00000000+" + "A" * 44, "w1+0000000+" + "A" * 44, "w1+00000000+" + "A" * 40]
)
def test_what_is_no_vkey_is_a_matter_of_shape(vkey: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        found().draft("WitnessRecognised", *K2, vkey=vkey)


def adoption(version: int, start: int) -> dict[str, Any]:
    return {"version": version, "document": digest_of("reglamento"), "from_index": start}


def test_no_rulebook_that_the_software_does_not_know_is_adopted() -> None:
    world = found()
    size = world.docket.size
    with pytest.raises(Refused, match="knows the rulebook up to version 1") as caught:
        world.say("RulebookAdopted", *K2, **adoption(2, size + 1))
    assert caught.value.code == "state"
    for version in (1, 3):
        refused("state", world, "RulebookAdopted", *K2, **adoption(version, size + 1))


def test_a_second_rulebook_is_one_more_entry_and_judges_from_its_index_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_reports(opened: Any, received_ms: int, docket: Docket) -> None:
        if opened.statement.kind == "CompletionReported":
            raise Refused("state", "A12", "nobody reports any more")
        rulebook.RULEBOOKS[1](opened, received_ms, docket)

    monkeypatch.setitem(rulebook.RULEBOOKS, 2, nobody_reports)
    world = found()
    refused("state", world, "RulebookAdopted", *K2, **adoption(2, world.docket.size))  # not from its own index on
    start = world.docket.size + 2
    world.say("RulebookAdopted", *K2, **adoption(2, start))
    world.say("CompletionReported", "minfin:institution", **level())  # the entry before it keeps version 1
    refused("state", world, "CompletionReported", "minfin:institution", **level("substantial"), by_rule="A12")
    world.say("ActorRegistered", *K2, **actor())
    docket = replay(world)
    assert [docket.rulebook_at(index) for index in (0, start - 1, start, start + 9)] == [1, 1, 2, 2]


def test_an_older_auditor_finds_the_adoption_and_judges_on_by_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    world = found()
    monkeypatch.setitem(rulebook.RULEBOOKS, 2, rulebook.RULEBOOKS[1])
    adopted = world.say("RulebookAdopted", *K2, **adoption(2, world.docket.size + 1))
    world.say("CompletionReported", "minfin:institution", **level())
    monkeypatch.delitem(rulebook.RULEBOOKS, 2)
    docket = Docket(world.origin)
    found_: list[int] = []
    for entry in world.entries:
        try:
            check_admissible(entry.opened, entry.received_ms, docket)
        except Refused:
            found_.append(entry.index)
        docket.evolve(entry.received_ms, entry.opened)
    assert found_ == [adopted.index]


# --- streams


def test_each_stands_in_its_stream() -> None:
    world = found()
    rotated = world.say("KeyRotated", "minfin:holder", "minfin/b:holder", **rotation())
    ended = world.say("RoleEnded", *K2, grant=role(world), words={"text": "x"})
    replaced = world.say("RegistrarReplaced", *RECOVERY, "dosis:holder", **replacement())
    k2 = ("dosis:registrar", "copret:registrar")
    log = world.say("LogKeyRotated", *k2, old=public("log"), new=public("log-2"))
    witness = world.say("WitnessRecognised", *k2, vkey=WITNESS)
    streams = [world.docket.stream_of(each.opened) for each in (rotated, ended, replaced, log, witness)]
    grant = getattr(ended.opened.statement, "grant")  # noqa: B009
    assert streams == ["actor/minfin", f"ref/{grant}", "ledger", "ledger", "ledger"]
