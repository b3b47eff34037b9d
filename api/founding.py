"""Founding a ledger: what `init` does, once its command line is read.

    constancia init DIR --origin constancia.example/gt \\
        --registrar icefi:organisation:icefi.key --registrar … --recovery KEY --recovery KEY

With everybody's key files at hand the ledger is founded at once. Usually they are not: each keeps their own key. Then
the folder is made, and in it `founding.note` waits for the lines of the others (`constancia sign`), or `founding.json`
for the first of them; `init DIR --founding NOTE` registers it when all have signed. Until then the folder is a ledger
without entries, and nothing can be served.

With `--policy FILE` the ledger has witnesses from its first entry on: the file holds the `witness`, `group` and
`quorum` lines (`deploy/policy.example`), and the line of the log's key, which is made here, is put in front of them.

The recovery keys replace a registrar whose keys were lost or stolen. They belong in a safe, not here: only their
public halves are given.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from nacl.signing import SigningKey

from api.asking import check_policy
from api.keyfiles import public_hex, read_key_file, read_public_key
from api.making import read_file, show_statement, write_file
from api.operate import POLICY, make_folder, not_empty, opened_for_writing, origins_of
from api.screen import screen
from api.settings import read_key
from api.signing import Signed, read_signed, sign_draft
from ledger.errors import CannotRun, Refused
from ledger.tlog.note import ED25519, format_vkey
from ledger.vocabulary import LedgerOpened

Ask = Callable[[Path], bytes]
DRAFT, FOUNDING = "founding.json", "founding.note"


class _Registrar(msgspec.Struct, frozen=True):
    actor: str
    form: str
    name: str
    public: str
    key: SigningKey | None


def init_ledger(
    place: Path,
    origin: str | None,
    purpose: str,
    registrars: Sequence[str],
    recovery: Sequence[str],
    founding_note: Path | None,
    offset_minutes: int,
    ask: Ask,
    policy: Path | None = None,
) -> None:
    """Make the folder of a ledger, or found the one that is there. Raises CannotRun, Refused."""
    if founding_note is not None:
        signed = read_signed(read_file(founding_note))
        if not origins_of(place):
            raise CannotRun(
                f"{place} no es la carpeta de un registro por fundar.",
                f"{place} is not the folder of a ledger to be founded.",
                f"Hágala primero con: constancia init {place} --origin {signed.origin} --registrar …",
                f"Make it first with: constancia init {place} --origin {signed.origin} --registrar …",
            )
        _register(place, signed, founding_note)
        return
    named = [_registrar(one, ask) for one in registrars]
    spare = [read_public_key(one) for one in recovery]
    _check_numbers(named, spare)
    origin, log_key = _folder(place, origin, policy)
    if not named:
        _say_made(place, origin)
        return
    draft = _draft(origin, purpose, named, spare, public_hex(log_key), offset_minutes)
    keys = [one.key for one in named if one.key]
    if not keys:
        write_file(place / DRAFT, msgspec.json.format(msgspec.json.encode(draft), indent=1) + b"\n")
        _say_waiting(place, origin, place / DRAFT, [one.actor for one in named])
        return
    signed = sign_draft(draft, origin, keys, by=draft["by"], now_ms=time.time_ns() // 1_000_000)
    show_statement(signed)
    if signed.missing:
        write_file(place / FOUNDING, signed.note)
        missing = [one.actor for one in named if one.public in signed.missing]
        _say_waiting(place, origin, place / FOUNDING, missing)
    else:
        _register(place, signed, place / FOUNDING)


def _check_numbers(named: Sequence[_Registrar], spare: Sequence[str]) -> None:
    if named and len(named) < 3:
        raise CannotRun(
            f"Son {len(named)} registradores, y hacen falta tres o más, de tres organizaciones.",
            f"There are {len(named)} registrars; it takes three or more, of three organisations.",
            "Repita --registrar por cada uno.",
            "Give --registrar once for each.",
        )
    if named and len(spare) < 2:
        raise CannotRun(
            f"Son {len(spare)} llaves de recuperación, y hacen falta dos o más.",
            f"There are {len(spare)} recovery keys; it takes two or more.",
            "Haga cada una con `constancia key new` y dé su parte pública con --recovery.",
            "Make each with `constancia key new` and give its public half with --recovery.",
        )


def _with_log_line(path: Path, origin: str, vkey: str) -> bytes:
    """The policy of a new ledger: its log's line, and those of the file. Raises CannotRun."""
    raw = read_file(path)
    if any(line.split()[:1] == [b"log"] for line in raw.split(b"\n")):
        raise CannotRun(
            f"{path} ya nombra un registro, y la llave de este se hace ahora.",
            f"{path} names a log already, and the key of this one is made only now.",
            "Quite sus líneas `log`: la de este registro se agrega sola.",
            "Take its `log` lines out: that of this ledger is added by itself.",
        )
    whole = f"log {vkey}\n".encode() + raw
    check_policy(whole, origin, [vkey], path)
    return whole


def _folder(place: Path, origin: str | None, policy: Path | None) -> tuple[str, SigningKey]:
    """The folder, made unless it waits there to be founded: its origin and log key. Raises CannotRun."""
    there = origins_of(place)
    if there:
        if policy:
            raise CannotRun(
                f"La carpeta {place} ya está hecha.",
                f"The folder {place} is made already.",
                f"Ponga ahí la política, con la línea `log` de este registro, como {POLICY}, y en constancia.toml: "
                f'policy = "{POLICY}"',
                f"Put the policy there, with the `log` line of this ledger, as {POLICY}, and into constancia.toml: "
                f'policy = "{POLICY}"',
            )
        if (place / "public" / "head").exists():
            raise _founded_already(place)
        if origin and there != [origin]:
            raise CannotRun(
                f"{place} es la carpeta del registro {there[0]}.",
                f"{place} is the folder of the ledger {there[0]}.",
                "Un origen es para siempre: elija otra carpeta.",
                "An origin is for ever: choose another folder.",
            )
        return there[0], read_key(place / "keys" / "log")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise not_empty(place)
    if origin is None:
        raise CannotRun(
            "Falta --origin, el nombre del registro.",
            "--origin, the ledger's name, is missing.",
            "Es para siempre. Por ejemplo: --origin constancia.example/gt",
            "It is for ever. For example: --origin constancia.example/gt",
        )
    log_key = SigningKey.generate()
    vkey = format_vkey(origin, ED25519, bytes(log_key.verify_key))
    _, desk_key = make_folder(place, origin, log_key, _with_log_line(policy, origin, vkey) if policy else None)
    with opened_for_writing(place, origin, log_key, desk_key, create=True):
        pass  # an empty journal and an empty vault
    return origin, log_key


def _registrar(text: str, ask: Ask) -> _Registrar:
    parts = text.split(":", 3)
    if len(parts) < 3 or parts[1] not in ("institution", "organisation"):
        raise CannotRun(
            f"«{text}» no es CUERPO:FORMA:LLAVE[:NOMBRE].",
            f"“{text}” is not BODY:FORM:KEY[:NAME].",
            "Por ejemplo: --registrar icefi:organisation:icefi.key:ICEFI   (FORMA: institution u organisation)",
            "For example: --registrar icefi:organisation:icefi.key:ICEFI   (FORM: institution or organisation)",
        )
    actor, form, key = parts[:3]
    name = parts[3] if len(parts) == 4 else actor
    public = read_public_key(key)
    path = Path(key)
    private = path.is_file() and path.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    return _Registrar(actor, form, name, public, read_key_file(path, ask) if private else None)


def _draft(
    origin: str, purpose: str, named: Sequence[_Registrar], recovery: Sequence[str], log_key: str, offset_minutes: int
) -> dict[str, Any]:
    return {
        "kind": "LedgerOpened",
        "origin": origin,
        "purpose": purpose,
        "by": [{"actor": one.actor, "key": one.public, "role": "registrar"} for one in named],
        "registrars": [{"actor": one.actor, "name": one.name, "form": one.form, "key": one.public} for one in named],
        "recovery": {"keys": list(recovery), "threshold": 2},
        "log_keys": [log_key],
        "rulebook": 1,
        "offset_minutes": offset_minutes,
    }


def _register(place: Path, signed: Signed, path: Path) -> None:
    """Register the founding statement of a note (read from `path`) as the first entry.

    Raises CannotRun, Refused.
    """
    if not isinstance(signed.statement, LedgerOpened):
        raise CannotRun(
            f"{path} no es una declaración fundacional, sino {signed.statement.kind}.",
            f"{path} is no founding statement but {signed.statement.kind}.",
            "La funda la declaración LedgerOpened.",
            "What founds a ledger is the statement LedgerOpened.",
        )
    if signed.missing:
        names = ", ".join(one.actor for one in signed.statement.registrars if one.key in signed.missing)
        raise CannotRun(
            f"Falta la firma de {names}.",
            f"The signature of {names} is missing.",
            f"Cada quien firma con: constancia sign {path} --key SU_LLAVE",
            f"Each signs with: constancia sign {path} --key KEY",
        )
    there = origins_of(place)
    if there != [signed.origin]:
        raise Refused("wrong-origin", "A1", f"{place} is for {there[0]!r}, and the note for {signed.origin!r}")
    log_key, desk_key = (read_key(place / "keys" / name) for name in ("log", "desk"))
    if public_hex(log_key) not in signed.statement.log_keys:
        raise Refused("state", "LedgerOpened", "the note names another log key than the one in this folder")
    with opened_for_writing(place, signed.origin, log_key, desk_key) as (log, desk):
        if log.size:
            raise _founded_already(place)
        registered = desk.submit(signed.note).result()
        vkey = log.vkey
    if screen.as_json:
        screen.json(
            {
                "folder": str(place),
                "origin": signed.origin,
                "founded": True,
                "founding": registered.identity,
                "ledger_key": vkey,
            }
        )
        return
    screen.say(f"Fundado: {signed.origin}", f"Founded: {signed.origin}", style="bold green")
    screen.facts(
        [
            (screen.pick("carpeta", "folder"), str(place)),
            (screen.pick("fundación", "founding"), registered.identity),
            (screen.pick("llave del registro", "the log's key"), vkey),
        ]
    )
    screen.note(
        "Publique esas dos líneas donde todos las encuentren sin pasar por este servidor (un diario oficial, la "
        f"prensa): con ellas cualquiera comprueba que el registro es este.\n"
        f"Sírvalo con: constancia serve --dir {place}\n"
        f"Y audítelo con: constancia audit {place}",
        "Publish these two lines where everybody finds them without this server (an official gazette, the press): with "
        f"them anybody can check that this is the ledger.\nServe it with: constancia serve --dir {place}\n"
        f"And audit it with: constancia audit {place}",
        style="",
    )


def _founded_already(place: Path) -> CannotRun:
    return CannotRun(
        f"El registro de {place} ya está fundado.",
        f"The ledger of {place} is founded already.",
        f"Sírvalo con: constancia serve --dir {place}",
        f"Serve it with: constancia serve --dir {place}",
    )


def _say_made(place: Path, origin: str) -> None:
    if screen.as_json:
        screen.json({"folder": str(place), "origin": origin, "founded": False})
        return
    screen.say(f"Carpeta hecha: {place}, para {origin}", f"Folder made: {place}, for {origin}", style="bold green")
    screen.note(
        "Falta fundarlo. Lo fundan tres registradores o más, de tres organizaciones, con dos llaves de recuperación.\n"
        "Cada quien hace la suya y entrega la parte pública:\n"
        "  constancia key new MI_LLAVE\n"
        "Con ellas:\n"
        f"  constancia init {place} --registrar icefi:organisation:LLAVE:ICEFI --registrar … --registrar … \\\n"
        "      --recovery LLAVE --recovery LLAVE",
        "It is not founded yet. Three or more registrars, of three organisations, found it, with two recovery keys.\n"
        "Each makes their own and hands over the public half:\n"
        "  constancia key new MY_KEY\n"
        "With these:\n"
        f"  constancia init {place} --registrar icefi:organisation:KEY:ICEFI --registrar … --registrar … \\\n"
        "      --recovery KEY --recovery KEY",
        style="",
    )


def _say_waiting(place: Path, origin: str, paper: Path, missing: Sequence[str]) -> None:
    """Say who has still to sign, on which paper: the draft that nobody has signed, or the note."""
    if screen.as_json:
        told = {"folder": str(place), "origin": origin, "founded": False}
        screen.json(told | {"to_sign": str(paper), "missing": missing})
        return
    more = f" --origin {origin}" if paper.name == DRAFT else ""
    note = place / FOUNDING
    screen.say(f"Carpeta hecha: {place}", f"Folder made: {place}", style="bold green")
    screen.note(
        f"Falta que firmen: {', '.join(missing)}. Uno tras otro:\n"
        f"  constancia sign {paper} --key SU_LLAVE{more}\n"
        + (f"  constancia sign {note} --key SU_LLAVE\n" if more else "")
        + f"Después:\n  constancia init {place} --founding {note}",
        f"Still to sign: {', '.join(missing)}. One after the other:\n"
        f"  constancia sign {paper} --key KEY{more}\n"
        + (f"  constancia sign {note} --key KEY\n" if more else "")
        + f"Then:\n  constancia init {place} --founding {note}",
        style="",
    )
