"""The folder of a ledger: made, looked at, opened for writing. What `init`, `serve`, `status` and `demo` share.

    public/  journal.db  vault.db  vault.keys  records.db  constancia.toml  keys/log  keys/desk  policy (with witnesses)

Needs the extra `server` (see `need_server`), except `find_origin` and what only looks.
"""

import tomllib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nacl.signing import SigningKey

from api.keyfiles import make_key_file
from ledger.errors import CannotRun, reason

if TYPE_CHECKING:
    from api.settings import LedgerSettings
    from consultation.desk import Desk
    from ledger.log import Log

POLICY = "policy"

SERVER_MODULES = ("eventsourcing", "litestar", "granian", "jinja2")


def need_server() -> None:
    """Raises CannotRun, naming the extra, where the server's libraries are not installed."""
    missing = [name for name in SERVER_MODULES if find_spec(name) is None]
    if missing:
        raise CannotRun(
            f"Esta orden necesita el extra «server», que no está instalado (falta {', '.join(missing)}).",
            f"This command needs the extra “server”, which is not installed ({', '.join(missing)} is missing).",
            "Instálelo desde la carpeta del programa: make install   o   pip install '.[server]'",
            "Install it from the program's folder: make install   or   pip install '.[server]'",
        )


def make_folder(
    place: Path, origin: str, log_key: SigningKey | None = None, policy: bytes | None = None
) -> tuple[SigningKey, SigningKey]:
    """Make the folder of a ledger, with fresh log and desk keys and its settings; returns the two keys.

    `policy` is its policy file, where it is to have witnesses. There is no entry in it yet. Raises CannotRun, also for
    a folder that holds something already.
    """
    from api.settings import FILE_NAME, LedgerSettings, Settings, format_settings

    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise not_empty(place)
    settings = Settings(ledgers=(LedgerSettings(origin, policy=POLICY if policy else ""),))
    try:
        (place / "keys").mkdir(parents=True, mode=0o700)
        (place / "public").mkdir()
        made = make_key_file(place / "keys" / "log", None, log_key), make_key_file(place / "keys" / "desk", None)
        if policy:
            (place / POLICY).write_bytes(policy)
        (place / FILE_NAME).write_text(format_settings(settings), "utf-8")
    except OSError as error:
        raise CannotRun(
            f"No se pudo crear {place}: {reason(error)[0]}.",
            f"{place} could not be made: {reason(error)[1]}.",
            "Elija otra carpeta con --dir.",
            "Choose another folder with --dir.",
        ) from None
    return made


@contextmanager
def opened_for_writing(
    place: Path,
    origin: str,
    log_key: SigningKey,
    desk_key: SigningKey,
    *,
    next_key: SigningKey | None = None,
    create: bool = False,
) -> "Generator[tuple[Log, Desk]]":
    """The log and the desk of a folder, as the server has them; witnesses are heard at the start, as there, and asked
    for nothing more. Raises CannotRun."""
    from api.asking import witnesses_of
    from consultation.desk import Desk
    from consultation.vault import Vault
    from ledger.log import Log
    from ledger.published import Folder

    with ExitStack() as closing:
        vault = Vault.open(place / "vault.db", create=create)
        closing.callback(vault.close)
        folder = Folder(place / "public")
        desk = Desk(origin, vault, folder, desk_key)
        policy, cosigning = witnesses_of(_ledger_settings(place, origin), [next_key, log_key], folder, closing)
        log = Log.open(
            origin,
            journal=place / "journal.db",
            published=place / "public",
            log_key=log_key,
            next_key=next_key,
            contents=desk,
            desk_key=desk.public_key,
            create=create,
            policy=policy,
            elsewhere=cosigning,
        )
        closing.callback(log.close)
        desk.open(log)
        yield log, desk


def _ledger_settings(place: Path, origin: str) -> "LedgerSettings":
    """What the settings of a folder say of a ledger. Raises CannotRun."""
    from api.settings import load_settings

    return next(each for each in load_settings(place, {}).ledgers if each.origin == origin)


def not_empty(place: Path) -> CannotRun:
    """What to say of a folder that holds something else."""
    return CannotRun(
        f"{place} ya existe y no es lo que esta orden haría.",
        f"{place} exists already and is not what this command would make.",
        "Elija otra carpeta con --dir, o mueva esa.",
        "Choose another folder with --dir, or move that one away.",
    )


def public_folder(place: Path) -> Path:
    """The published files: the folder itself, or `public` inside that of a ledger. Raises CannotRun.

    In this order: where a copy of published files holds another folder `public`, the files named are those audited,
    and the other ones are found to be strangers among them.
    """
    if not place.is_dir():
        raise CannotRun(
            f"No hay ninguna carpeta {place}.",
            f"There is no folder {place}.",
            "Dé la carpeta de un registro, su `public`, o la dirección http(s) hasta su ruta (…/gt).",
            "Give the folder of a ledger, its `public`, or the http(s) address up to its path (…/gt).",
        )
    for found in (place, place / "public"):
        if any((found / name).is_file() for name in ("checkpoint", "head", "ledger.json")):
            return found
    raise not_a_ledger(place)


def not_a_ledger(place: Path) -> CannotRun:
    """What to say of a folder without a ledger."""
    return CannotRun(
        f"{place} no es la carpeta de un registro: no tiene ni constancia.toml ni archivos publicados.",
        f"{place} is not the folder of a ledger: it has neither constancia.toml nor published files.",
        "Haga uno con `constancia init` o `constancia demo`, o dé otra carpeta.",
        "Make one with `constancia init` or `constancia demo`, or give another folder.",
    )


def origins_of(place: Path) -> list[str]:
    """The origins that the settings of a folder name, as far as they can be read; nothing is opened."""
    try:
        found = tomllib.loads((place / "constancia.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return []
    listed = found.get("ledgers")
    ledgers = cast("list[dict[str, object]]", listed) if isinstance(listed, list) else []
    return [origin for each in ledgers if isinstance(origin := each.get("origin"), str)]
