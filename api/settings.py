"""Settings: one frozen struct, read once from a TOML file and the environment.

    host = "127.0.0.1"              where to listen
    port = 8000
    hosts = ["constancia.example"]  names under which this server answers, literally; none named: any
    trusted_proxies = ["10.0.0.2"]  whose X-Forwarded-* headers are believed (networks too); none named: nobody's
    read_timeout = 8.0              seconds for a header, for a body, and for a connection that says or takes nothing

    max_connections = 4096          open at one time; when nearly all are in use, the longest silent are ended
    max_requests = 1024             at work at one time; more are told to come again

    free_statements = 20                 of citizens, from one address to one round: so many at once,
    free_statements_per_hour = 20        and so many more as time goes by, without any proof of work
    worked_statements_per_hour = 600     with proof of work; each fifth of it doubles the work
    ledger_statements_per_minute = 600   of citizens, from everywhere; beyond it everybody is asked for work
    work_iterations = 1000               of PBKDF2 in one trial: how long the work takes

    [[ledgers]]
    origin = "constancia.example/gt"    fixed for the ledger's life; served under its last segment, /gt/
    folder = "."                        relative to this file
    policy = "policy"                   who witnesses it: a tlog-policy file, relative to this one; left out: nobody
    mirrors = ["https://…/gt"]          copies that are asked at the start whether they know more than this machine
    licence = "https://…"               under which the tables may be used, for the catalogue; left out: none is stated
    archive = "s3://evidencia/gt"       captured bytes: an object store or a folder; left out: `archive/` in its folder

A variable `CONSTANCIA_<NAME>` in the environment goes before the file (`CONSTANCIA_PORT=9000`; lists with commas).
Unknown names are refused, in the file and in the environment: a setting with a typing error is worse than none.

The folder of a ledger holds `public/` (the published files), `keys/` (`log` and `desk`), `journal.db`, `vault.db`
with `vault.keys`, and `records.db`; with witnesses also `witnesses.json` (what they last said) and, after an alarm,
`evidence/`. Keys are OpenSSH private keys without a passphrase, because the server starts alone; their files must be
readable by their owner only.
"""

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from msgspec import Meta
from nacl.signing import SigningKey

from api.clients import parse_networks
from ledger.errors import CannotRun, reason
from ledger.vocabulary import Origin

FILE_NAME = "constancia.toml"
PREFIX = "CONSTANCIA_"

# Read elsewhere: by the tests, and by the commands that sign.
NOT_SETTINGS = frozenset({"CONSTANCIA_SHARED", "CONSTANCIA_NO_SKIP", "CONSTANCIA_PASSPHRASE"})

# First segments that are not a ledger's.
RESERVED_PATHS = frozenset({"healthz", "readyz", "metrics", "schema", "static"})

_Seconds = Annotated[float, Meta(gt=0, le=600)]


class LedgerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ledger: its origin, its folder, policy file and archive (absolute once loaded), its mirrors."""

    origin: Origin
    folder: str = "."
    policy: str = ""
    mirrors: tuple[str, ...] = ()
    licence: str = ""
    archive: str = ""

    @property
    def path(self) -> str:
        """The segment under which it is served: the last one of its origin."""
        return self.origin.rpartition("/")[2]

    @property
    def place(self) -> Path:
        """The folder."""
        return Path(self.folder)

    @property
    def archived(self) -> str:
        """Where captured bytes are kept: a folder, or the address of an object store."""
        return self.archive or str(self.place / "archive")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an operator can set."""

    ledgers: Annotated[tuple[LedgerSettings, ...], Meta(min_length=1)]
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    # A header or body that takes longer is cut off, and so is a connection on which nothing moves. With the second that
    # it takes to notice, nobody holds a connection for more than ten for nothing.
    read_timeout: _Seconds = 8.0
    # Threads that verify signatures and answer from the databases.
    threads: Annotated[int, Meta(ge=1, le=64)] = 4
    # Requests at work at one time; more are answered 503 at once.
    max_requests: Annotated[int, Meta(ge=8, le=100_000)] = 1_024
    # Connections open at one time; fewer, where the machine gives the process fewer descriptors.
    max_connections: Annotated[int, Meta(ge=8, le=100_000)] = 4_096
    access_log: bool = False
    free_statements: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    free_statements_per_hour: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    worked_statements_per_hour: Annotated[int, Meta(ge=1, le=1_000_000)] = 600
    ledger_statements_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = 600
    work_iterations: Annotated[int, Meta(ge=1, le=100_000)] = 1_000


def load_settings(folder_or_file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of `constancia.toml` in a folder (or of that file), after the environment had its say.

    Raises CannotRun naming the file or variable and what is wrong with it.
    """
    path = folder_or_file / FILE_NAME if folder_or_file.is_dir() else folder_or_file
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CannotRun(
            f"{path} no existe, así que esta no es la carpeta de un registro.",
            f"{path}: there is no such file, so this is not the folder of a ledger.",
            "Haga una con `constancia init` o `constancia demo`.",
            "Make one with `constancia init` or `constancia demo`.",
        ) from None
    except OSError as error:
        why_es, why_en = reason(error)
        raise CannotRun(
            f"No se puede leer {path}: {why_es}.",
            f"{path} cannot be read: {why_en}.",
            "Revise quién puede leerlo.",
            "Look at who may read it.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotRun(
            f"{path} no es TOML: {error}.",
            f"{path}: not TOML: {error}.",
            "Corrija la línea indicada.",
            "Mend the line named.",
        ) from None
    # The file alone first, so that a message about it does not name a variable.
    settings = _converted(found, (str(path), str(path)), strict=True)
    changed = _from_environment(environment)
    if changed:
        settings = _converted(msgspec.to_builtins(settings) | changed, ("el entorno", "the environment"), strict=False)
    return _checked(settings, path)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    fields = {name.upper(): name for name in Settings.__struct_fields__ if name != "ledgers"}
    lists = {"hosts", "trusted_proxies"}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        name = fields.get(variable.removeprefix(PREFIX))
        if name is None:
            known = ", ".join(PREFIX + field for field in sorted(fields))
            raise CannotRun(
                f"No hay ningún ajuste {variable}.",
                f"{variable}: there is no such setting.",
                f"Los que hay: {known}.",
                f"There are {known}.",
            )
        changed[name] = [part.strip() for part in value.split(",") if part.strip()] if name in lists else value
    return changed


def _converted(plain: dict[str, Any], where: tuple[str, str], *, strict: bool) -> Settings:
    try:
        return msgspec.convert(plain, Settings, strict=strict)
    except msgspec.ValidationError as error:
        message, _, place = str(error).removesuffix("`").partition(" - at `$.")
        name = f"{PREFIX}{place.upper()}" if place and not strict else place
        said = f"{name}: {message}" if name else message
        raise CannotRun(
            f"En {where[0]}: {said}.", f"{where[1]}: {said}.", "Corrija ese ajuste.", "Mend that setting."
        ) from None


def _checked(settings: Settings, path: Path) -> Settings:
    """Folders made absolute; no two ledgers under one path or in one folder. Raises CannotRun."""
    try:
        parse_networks(settings.trusted_proxies)
    except ValueError as error:
        raise CannotRun(
            f"{path}: en `trusted_proxies` hay algo que no es una dirección ni una red: {error}.",
            f"{path}: something in `trusted_proxies` is neither an address nor a network: {error}.",
            "Escriba la dirección del proxy, como 10.0.0.2, o su red, como 10.0.0.0/24; nunca un asterisco.",
            "Write the proxy's address, such as 10.0.0.2, or its network, such as 10.0.0.0/24; never an asterisk.",
        ) from None
    ledgers: list[LedgerSettings] = []
    for ledger in settings.ledgers:
        policy = str((path.parent / ledger.policy).resolve()) if ledger.policy else ""
        inside = ledger.archive and "://" not in ledger.archive
        archive = str((path.parent / ledger.archive).resolve()) if inside else ledger.archive
        folder = str((path.parent / ledger.folder).resolve())
        placed = msgspec.structs.replace(ledger, folder=folder, policy=policy, archive=archive)
        for address in ledger.mirrors:
            _check_mirror(address, path)
        if ledger.licence:
            _check_licence(ledger.licence, path)
        if placed.path in RESERVED_PATHS:
            raise CannotRun(
                f"{path}: el origen {placed.origin} termina en `{placed.path}`, una ruta que el servidor se reserva.",
                f"{path}: the origin {placed.origin} ends in `{placed.path}`, a path that the server keeps for itself.",
                "Un origen es para siempre: funde el registro con otro.",
                "An origin is for ever: found the ledger under another one.",
            )
        for other in ledgers:
            if placed.path == other.path or placed.folder == other.folder:
                raise CannotRun(
                    f"{path}: {other.origin} y {placed.origin} comparten una ruta o una carpeta.",
                    f"{path}: {other.origin} and {placed.origin} share a path or a folder.",
                    "Cada registro tiene las suyas; sírvalos desde dos instalaciones.",
                    "Each ledger has its own; serve them from two installations.",
                )
        ledgers.append(placed)
    return msgspec.structs.replace(settings, ledgers=tuple(ledgers))


def _check_licence(address: str, path: Path) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or not address.isascii():
        raise CannotRun(
            f"{path}: «{address}» no es la dirección de una licencia.",
            f"{path}: “{address}” is not the address of a licence.",
            "Escriba la dirección de su texto, como https://creativecommons.org/licenses/by/4.0/.",
            "Write the address of its text, such as https://creativecommons.org/licenses/by/4.0/.",
        )


def _check_mirror(address: str, path: Path) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or not address.isascii():
        raise CannotRun(
            f"{path}: «{address}» no es la dirección de un espejo.",
            f"{path}: “{address}” is not the address of a mirror.",
            "Escríbala con http:// o https://, hasta la ruta del registro, como https://espejo.example/gt.",
            "Write it with http:// or https://, up to the ledger's path, such as https://mirror.example/gt.",
        )


def format_settings(settings: Settings) -> str:
    """The TOML of settings, with only what differs from the defaults. The inverse of `load_settings` on one folder."""
    plain = msgspec.to_builtins(settings)
    lines: list[str] = []
    for field in msgspec.structs.fields(Settings):
        value = plain[field.name]
        if field.name != "ledgers" and msgspec.convert(value, field.type) != field.default:
            lines.append(f"{field.name} = {_toml(value)}")
    for ledger in plain["ledgers"]:
        lines += ["", "[[ledgers]]", *(f"{name} = {_toml(value)}" for name, value in ledger.items() if value)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: object) -> str:
    # A basic string of TOML is a string of JSON, and so are lists, numbers and booleans as far as we have them.
    return msgspec.json.encode(value).decode()


# --- files that settings name ----------------------------------------------------------------------------------------


def read_policy_file(path: Path) -> bytes:
    """The bytes of a policy file. Raises CannotRun."""
    try:
        return path.read_bytes()
    except OSError as error:
        why_es, why_en = reason(error)
        raise CannotRun(
            f"No se puede leer la política {path}: {why_es}.",
            f"The policy {path} cannot be read: {why_en}.",
            "La nombra el ajuste `policy` de constancia.toml.",
            "The setting `policy` of constancia.toml names it.",
        ) from error


# --- key files -------------------------------------------------------------------------------------------------------


def read_key(path: Path) -> SigningKey:
    """The Ed25519 key of an OpenSSH private key file without a passphrase. Raises CannotRun."""
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        why_es, why_en = reason(error)
        raise CannotRun(
            f"No se puede leer la llave {path}: {why_es}.",
            f"The key {path} cannot be read: {why_en}.",
            "El servidor la necesita para firmar.",
            "The server needs it to sign.",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotRun(
            f"Otras personas de esta máquina pueden leer la llave {path}.",
            f"Others on this machine may read the key {path}.",
            f"Ciérrela con: chmod 600 {path}",
            f"Close it with: chmod 600 {path}",
        )
    try:
        key = load_ssh_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotRun(
            f"{path} no es una llave privada de OpenSSH sin frase de contraseña ({error}).",
            f"{path} is not an OpenSSH private key without a passphrase ({error}).",
            "Ponga ahí la llave con la que se hizo el registro; está en una copia de respaldo.",
            "Put the key there that the ledger was made with; a backup has it.",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotRun(
            f"{path} no es una llave Ed25519.",
            f"{path} is not an Ed25519 key.",
            "Ponga ahí la llave con la que se hizo el registro; está en una copia de respaldo.",
            "Put the key there that the ledger was made with; a backup has it.",
        )
    return SigningKey(key.private_bytes_raw())
