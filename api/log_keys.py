"""The log's own key files, and how one takes the place of another.

    keys/log              signs heads
    keys/log.next         made by `constancia log-key new`, held beside the first until the registrars exchange them
    keys/log.<8 hex>.old  what `keys/log` was before, by the beginning of its public key; no key is ever thrown away

A rotation, step by step: the operator makes `log.next` and starts the server again, which now holds both; two
registrars sign the LogKeyRotated that names it; the log signs with it from that entry on; the next start puts it in the
place of `log` (`take_up_next`). Whatever is interrupted, the key in force is in one of the two files.
"""

import os
from collections.abc import Collection
from pathlib import Path

import msgspec
from nacl.signing import SigningKey

from api.keyfiles import make_key_file, public_hex
from api.operate import origins_of
from api.screen import screen
from api.settings import read_key
from ledger.errors import CannotRun, reason
from ledger.tlog.note import ED25519, format_vkey


def read_log_keys(place: Path) -> tuple[SigningKey, SigningKey | None]:
    """The log's key of a ledger's folder, and the next one where it has been made. Raises CannotRun."""
    following = place / "keys" / "log.next"
    return read_key(place / "keys" / "log"), read_key(following) if following.exists() else None


def take_up_next(place: Path, in_force: Collection[str]) -> bool:
    """Put `log.next` in the place of `log` if it is a key in force now; says whether it did. Raises CannotRun.

    `in_force` are public keys, 64 hex digits, of a log whose rotation is published.
    """
    current, following = read_log_keys(place)
    if following is None or public_hex(following) not in in_force:
        return False
    folder = place / "keys"
    try:
        kept = folder / f"log.{public_hex(current)[:8]}.old"
        if not kept.exists():
            os.link(folder / "log", kept)
            _sync(folder)
        # From here the old key has two names, and whatever happens one stays. Killed here: the next start goes on.
        os.replace(folder / "log.next", folder / "log")
        _sync(folder)
    except OSError as error:
        raise CannotRun(
            f"No se pudo poner {folder / 'log.next'} en el lugar de {folder / 'log'}: {reason(error)[0]}.",
            f"{folder / 'log.next'} could not take the place of {folder / 'log'}: {reason(error)[1]}.",
            "Revise quién puede escribir en esa carpeta e inicie de nuevo.",
            "See who may write in that folder, then start again.",
        ) from None
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def new_log_key(place: Path) -> None:
    """Make the log's next key, and print the draft of the statement that exchanges the two. Raises CannotRun.

    Where it was made before, nothing is changed and the same draft is printed again.
    """
    current, following = read_log_keys(place)
    made = following is None
    path = place / "keys" / "log.next"
    if following is None:
        following = make_key_file(path, None)
    elif _named(place, following):
        raise CannotRun(
            f"La llave de {path} ya es la del registro.",
            f"The key in {path} is the log's already.",
            "Inicie el servidor de nuevo, que la pone en el lugar de keys/log; después puede hacer otra.",
            "Start the server again, which puts it in the place of keys/log; then you can make another.",
        )
    draft = {"kind": "LogKeyRotated", "new": public_hex(following), "old": public_hex(current)}
    if screen.as_json:
        screen.json({"draft": draft, "file": str(path), "made": made})
        return
    if made:
        screen.note(f"Llave nueva en {path} (solo usted puede leerla).", f"New key in {path} (only you may read it).")
    else:
        screen.note(f"La llave de {path} ya estaba hecha.", f"The key in {path} was made before.")
    screen.line(msgspec.json.format(msgspec.json.encode(draft), indent=1).decode())
    _say_what_comes_next(place, public_hex(following))


def _named(place: Path, key: SigningKey) -> bool:
    """Whether the published files name a key as the log's."""
    try:
        raw = (place / "public" / "policy").read_text("utf-8")
    except OSError:
        return False
    vkeys = [format_vkey(origin, ED25519, bytes(key.verify_key)) for origin in origins_of(place)]
    return any(f"log {vkey}" in raw.splitlines() for vkey in vkeys)


def _say_what_comes_next(place: Path, key: str) -> None:
    origin = next(iter(origins_of(place)), "ORIGEN")
    vkey = format_vkey(origin, ED25519, bytes.fromhex(key))
    screen.note(
        "Si el registro tiene testigos, antes de enviar nada cada uno agrega la llave nueva y reinicia; si no, dejarán "
        f"de cofirmar:\n  constancia witness add --dir TESTIGO {vkey}",
        "If the ledger has witnesses, each of them adds the new key and restarts before anything is sent; else they "
        f"stop cosigning:\n  constancia witness add --dir WITNESS {vkey}",
        style="",
    )
    screen.note(
        "Ese es el borrador. Guárdelo en rotacion.json, inicie el servidor de nuevo para que tenga las dos llaves, y "
        "dé el borrador a dos registradores de organizaciones distintas:\n"
        f"  constancia sign rotacion.json --key LLAVE --origin {origin} --actor CUERPO --role registrar \\\n"
        "      --also CUERPO:registrar:LLAVE_PÚBLICA\n"
        "  constancia sign rotacion.note --key LLAVE_DEL_OTRO\n"
        "  constancia submit rotacion.note --to URL\n"
        "Desde ese asiento el registro firma con la llave nueva. Anuncie su línea donde anunció la otra; quien audita "
        f"fija las dos, porque las cabezas anteriores las firmó la vieja:\n  log {vkey}",
        "That is the draft. Keep it in rotation.json, start the server again so that it has both keys, and give the "
        "draft to two registrars of different organisations:\n"
        f"  constancia sign rotation.json --key KEY --origin {origin} --actor BODY --role registrar \\\n"
        "      --also BODY:registrar:PUBLIC_KEY\n"
        "  constancia sign rotation.note --key THE_OTHERS_KEY\n"
        "  constancia submit rotation.note --to URL\n"
        "From that entry on the log signs with the new key. Announce its line where you announced the other; auditors "
        f"pin both, because the old one signed the heads before:\n  log {vkey}",
        style="",
    )
