"""What `constancia witness` does: the folder of a witness, made, told which logs to watch, looked at, served.

    witness.toml    name = "witness.example/w1"         the witness's name, for ever, as its key's
                    url = "https://witness.example"     its public address, if it has one; in the line for policies
                    host = "127.0.0.1"                  where to listen
                    port = 8010
                    read_timeout = 10.0                 seconds that headers, or a body, may take
                    max_requests = 256                  requests at work at one time; more are answered 503
                    threads = 4                         threads that verify signatures
    logs            the logs to be watched, one to a line as in a policy (c2sp.org/tlog-policy): log VKEY [URL]
    key             OpenSSH private key (Ed25519), mode 0600
    witness.db, seen/   what it must never forget (api.witness_state)

`witness.toml` is only read once it is made, and `logs` is changed line by line, so comments in either stay. Only
`serve` needs the extra `server`.
"""

import os
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.keyfiles import make_key_file, read_key_file, read_public_key
from api.operate import not_empty
from api.screen import screen
from api.witness_page import explain, format_seconds, policy_line
from api.witness_state import Evidence, State
from ledger.errors import CannotRun, Misbehaviour, reason
from ledger.tlog.checkpoint import open_checkpoint
from ledger.tlog.errors import FormatError, Malformed
from ledger.tlog.note import COSIGNATURE_ED25519, ED25519, Verifier, format_vkey, parse_vkey
from ledger.tlog.policy import Log, parse_policy

SETTINGS = "witness.toml"
LOGS = "logs"
KEY = "key"

Ask = Callable[[Path], bytes]


class WitnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator can set."""

    name: str
    url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8010
    read_timeout: Annotated[float, Meta(gt=0, le=600)] = 10.0
    max_requests: Annotated[int, Meta(ge=8, le=100_000)] = 256
    threads: Annotated[int, Meta(ge=1, le=64)] = 4


# --- the folder ------------------------------------------------------------------------------------------------------


def load_witness(place: Path) -> tuple[WitnessSettings, Verifier]:
    """The settings of a witness's folder and the public half of its key. Raises CannotRun."""
    path = place / SETTINGS
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text("utf-8")), WitnessSettings)
    except OSError as error:
        raise CannotRun(
            f"No se puede leer {path}: {reason(error)[0]}.",
            f"{path} cannot be read: {reason(error)[1]}.",
            "Dé con --dir la carpeta de un testigo, o haga una: constancia witness init",
            "Name the folder of a witness with --dir, or make one: constancia witness init",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CannotRun(
            f"En {path}: {error}.", f"{path}: {error}.", "Corrija ese ajuste.", "Mend that setting."
        ) from None
    key = place / KEY
    if not key.is_file():
        raise CannotRun(
            f"Falta la llave del testigo, {key}.",
            f"The key of the witness, {key}, is missing.",
            "Póngala de vuelta desde una copia. Si se perdió, haga otro testigo, con otro nombre.",
            "Put it back from a copy. If it is lost, make another witness, with another name.",
        )
    return settings, _verifier(settings.name, bytes.fromhex(read_public_key(str(key))))


def load_logs(place: Path) -> tuple[Log, ...]:
    """The logs that a witness watches. Raises CannotRun."""
    path = place / LOGS
    try:
        return _parse_logs(path.read_bytes())
    except OSError as error:
        raise CannotRun(
            f"No se puede leer {path}: {reason(error)[0]}.",
            f"{path} cannot be read: {reason(error)[1]}.",
            "Revise la carpeta; `constancia witness add` escribe ese archivo.",
            "Look at the folder; `constancia witness add` writes that file.",
        ) from None
    except FormatError as error:
        raise CannotRun(
            f"En {path}: {error.message}.",
            f"{path}: {error.message}.",
            "Cada línea dice: log LLAVE [DIRECCIÓN]. Corrija la indicada.",
            "Each line says: log VKEY [URL]. Mend the one named.",
        ) from None


def _parse_logs(raw: bytes) -> tuple[Log, ...]:
    """Read the `log` lines of a policy. Raises Malformed, Unverified."""
    end = b"" if raw.endswith(b"\n") or not raw else b"\n"
    policy = parse_policy(raw + end + b"quorum none\n")
    if policy.witnesses or policy.groups or any(log.verifier.type_byte != ED25519 for log in policy.logs):
        raise Malformed("shape", "only lines `log VKEY [URL]`, with Ed25519 keys that sign checkpoints (type 0x01)")
    return policy.logs


def _verifier(name: str, public_key: bytes) -> Verifier:
    """The witness as a key that cosigns. Raises CannotRun."""
    try:
        return parse_vkey(format_vkey(name, COSIGNATURE_ED25519, public_key))
    except FormatError as error:
        raise CannotRun(
            f"«{name}» no puede ser el nombre de un testigo ({error.message}).",
            f"“{name}” cannot be the name of a witness ({error.message}).",
            "Es una dirección sin esquema, propia de quien lo opera, como witness.example/w1.",
            "It is an address without a scheme, its operator's own, such as witness.example/w1.",
        ) from None


def _log_key(vkey: str) -> Verifier:
    """The key of a log. Raises CannotRun."""
    try:
        return _parse_logs(f"log {vkey}\n".encode())[0].verifier
    except (FormatError, IndexError) as error:
        message = error.message if isinstance(error, FormatError) else "empty"
        raise CannotRun(
            f"«{vkey[:200]}» no es la llave de un registro ({message}).",
            f"“{vkey[:200]}” is not the key of a log ({message}).",
            "Tiene la forma origen+código+llave; está en la política que publica quien opera el registro.",
            "Its form is origin+code+key; the policy that the log's operator publishes has it.",
        ) from None


def _write_logs(place: Path, raw: bytes) -> None:
    """Put `logs` in its place, whole or not at all. Raises CannotRun."""
    temporary = place / f".new-{LOGS}"
    try:
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place / LOGS)
    except OSError as error:
        raise CannotRun(
            f"No se pudo escribir {place / LOGS}: {reason(error)[0]}.",
            f"{place / LOGS} could not be written: {reason(error)[1]}.",
            "Revise el disco y quién puede escribir ahí.",
            "Look at the disk and at who may write there.",
        ) from None


# --- init, add, remove -----------------------------------------------------------------------------------------------


def init_witness(place: Path, name: str, url: str, passphrase: bytes | None) -> None:
    """Make the folder of a new witness, with a new key and an empty state, and print its key. Raises CannotRun."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise not_empty(place)
    if "://" in name:
        raise CannotRun(
            f"«{name}» no es el nombre de un testigo.",
            f"“{name}” is not the name of a witness.",
            "Es una dirección sin esquema, como testigo.example/w1; la dirección entera va en --url.",
            "It is an address without a scheme, such as testigo.example/w1; the whole address goes into --url.",
        )
    _verifier(name, bytes(32 * [2]))  # the name, before anything is made; the key is any that is none of small order
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = make_key_file(place / KEY, passphrase)
        verifier = _verifier(name, bytes(key.verify_key))
        (place / LOGS).write_bytes(b"")
        lines = {"name": name} | ({"url": url} if url else {})
        settings = "".join(f"{field} = {msgspec.json.encode(value).decode()}\n" for field, value in lines.items())
        (place / SETTINGS).write_text(settings, "utf-8")
    except OSError as error:
        raise CannotRun(
            f"No se pudo crear {place}: {reason(error)[0]}.",
            f"{place} could not be made: {reason(error)[1]}.",
            "Elija otra carpeta con --dir.",
            "Choose another folder with --dir.",
        ) from None
    State.create(place, verifier, int(time.time()))
    _show_key(verifier, url)
    screen.note(
        f"Dígale qué registros observar: constancia witness add --dir {place} LLAVE",
        f"Tell it which logs to watch: constancia witness add --dir {place} VKEY",
    )


def _show_key(verifier: Verifier, url: str) -> None:
    if screen.as_json:
        screen.json({"name": verifier.name, "vkey": _vkey(verifier), "policy": policy_line(verifier, url)})
        return
    screen.facts(
        [
            (screen.pick("llave", "key"), _vkey(verifier)),
            (screen.pick("para una política", "for a policy"), policy_line(verifier, url)),
        ]
    )


def add_log(place: Path, vkey: str, url: str | None) -> None:
    """Watch a log; with its address, ask it first who it is. Raises CannotRun."""
    load_witness(place)
    logs = load_logs(place)
    verifier = _log_key(vkey)
    if any(log.verifier.public_key == verifier.public_key for log in logs):
        raise CannotRun(
            f"Esa llave de {verifier.name} ya está en {place / LOGS}.",
            f"That key of {verifier.name} is in {place / LOGS} already.",
            "No hay nada que hacer.",
            "There is nothing to do.",
        )
    size, founding = _ask_log(url, verifier) if url else (None, "")
    before = (place / LOGS).read_bytes()
    joint = b"" if before.endswith(b"\n") or not before else b"\n"
    line = " ".join(["log", vkey, *([url] if url else [])])
    _write_logs(place, before + joint + line.encode() + b"\n")
    if screen.as_json:
        screen.json({"origin": verifier.name, "vkey": vkey, "size": size, "founding": founding or None})
        return
    facts = [(screen.pick("registro", "log"), verifier.name)]
    facts += [(screen.pick("asientos", "entries"), str(size))] if size is not None else []
    facts += [(screen.pick("fundación", "founding"), founding)] if founding else []
    screen.facts(facts)
    _say_restart()


def _ask_log(url: str, verifier: Verifier) -> tuple[int, str]:
    """The size of the log at an address, signed by this key, and its founding digest if it is a ledger of ours."""
    from api.checking import standing_of
    from api.remote import RemoteLedger

    with RemoteLedger(url) as source:
        raw = source.read("checkpoint") or source.read("head")  # nobody has cosigned yet: there is only `head`
        ours = source.read("ledger.json") is not None
    try:
        checkpoint = open_checkpoint(raw or b"", [verifier])
    except FormatError as error:
        raise CannotRun(
            f"Lo que hay en {url}/checkpoint no lo firmó esa llave ({error.message}).",
            f"What is at {url}/checkpoint was not signed by that key ({error.message}).",
            "Revise la llave y la dirección con quien opera el registro, por otro camino.",
            "Compare key and address with the log's operator, by another way.",
        ) from None
    try:
        return checkpoint.size, standing_of(url).founding if ours and checkpoint.size else ""
    except Misbehaviour:  # it is no auditor that looks here; the witness asks only whether the log grows
        return checkpoint.size, ""


def remove_log(place: Path, named: str) -> None:
    """Watch a log no more, by its origin or one of its keys. Its state stays. Raises CannotRun."""
    load_witness(place)
    gone = [log for log in load_logs(place) if named in (log.verifier.name, _vkey(log.verifier))]
    if not gone:
        raise CannotRun(
            f"Este testigo no observa «{named}».",
            f"This witness does not watch “{named}”.",
            f"Lo que observa: constancia witness list --dir {place}",
            f"What it watches: constancia witness list --dir {place}",
        )
    keys = {_vkey(log.verifier).encode() for log in gone}
    lines = (place / LOGS).read_bytes().splitlines(keepends=True)
    _write_logs(place, b"".join(line for line in lines if line.split()[1:2] == [] or line.split()[1] not in keys))
    if screen.as_json:
        screen.json({"removed": sorted(key.decode() for key in keys)})
        return
    for log in gone:
        screen.say(f"Ya no se observa: {_vkey(log.verifier)}", f"Watched no more: {_vkey(log.verifier)}")
    screen.note(
        "Lo que el testigo cofirmó no se olvida: si el registro vuelve, sigue desde ahí.",
        "What the witness cosigned is not forgotten: if the log comes back, it goes on from there.",
    )
    _say_restart()


def _say_restart() -> None:
    screen.note(
        "Si el testigo está en marcha, reinícielo: systemctl restart constancia-witness",
        "If the witness is running, start it again: systemctl restart constancia-witness",
    )


# --- list, status ----------------------------------------------------------------------------------------------------


class Watched(msgspec.Struct, frozen=True):
    """A key of a log that is watched; size and time are of the latest checkpoint cosigned, null before the first."""

    origin: str
    vkey: str
    url: str | None
    size: int | None
    root: str | None
    time: int | None


class Standing(msgspec.Struct, frozen=True):
    """How a witness stands."""

    name: str
    vkey: str
    policy: str
    logs: list[Watched]
    evidence: list[dict[str, Any]]


def standing_of_witness(place: Path) -> Standing:
    """Everything there is to say of a witness, whether it runs or not. Raises CannotRun."""
    settings, verifier = load_witness(place)
    state = State.open(place, verifier, writer=False)
    try:
        logs = [_watched(log, state) for log in load_logs(place)]
        evidence = [_plain(each) for each in state.evidence]
    finally:
        state.close()
    return Standing(verifier.name, _vkey(verifier), policy_line(verifier, settings.url), logs, evidence)


def _watched(log: Log, state: State) -> Watched:
    url = log.url.decode("utf-8", "replace") if log.url else None
    head = state.heads.get(log.verifier.name)
    known = (head.size, head.root.hex(), head.time) if head else (None, None, None)
    return Watched(log.verifier.name, _vkey(log.verifier), url, *known)


def _plain(found: Evidence) -> dict[str, Any]:
    notes = {"request": found.request.decode(), "latest": found.latest.decode()}
    return {**found._asdict(), "root": found.root.hex(), **notes, "meaning": explain(screen.pick, found)}


def show_witness(place: Path, *, whole: bool) -> int:
    """Print the logs of a witness, or with `whole` all about it; then 1 where a log forked. Raises CannotRun."""
    standing = standing_of_witness(place)
    forked = any(each["kind"] == "fork" for each in standing.evidence)
    if screen.as_json:
        screen.json(standing if whole else standing.logs)
        return int(whole and forked)
    if whole:
        _show_key(parse_vkey(standing.vkey), standing.policy.partition(standing.vkey)[2].strip())
    _show_logs(standing.logs)
    if not whole:
        return 0
    for each in standing.evidence:
        style = "bold red" if each["kind"] == "fork" else "yellow"
        screen.line(f"{each['number']}. {each['origin']}: {each['meaning']}", style=style)
    if standing.evidence:
        screen.note(
            "Las dos notas de cada una: constancia witness status --json",
            "The two notes of each: constancia witness status --json",
        )
    else:
        screen.say("Nada habla contra ningún registro.", "Nothing speaks against any log.")
    return int(forked)


def _show_logs(logs: Sequence[Watched]) -> None:
    pick = screen.pick
    if not logs:
        screen.say("No observa ningún registro.", "It watches no log.")
        return
    rows = [
        (
            each.origin,
            "—" if each.size is None else str(each.size),
            pick("todavía no", "not yet") if each.time is None else format_seconds(each.time),
            each.url or "",
        )
        for each in logs
    ]
    columns = [pick("registro", "log"), pick(">asientos", ">entries"), pick("cofirmado", "cosigned"), "URL"]
    screen.table(columns, rows)


# --- serve -----------------------------------------------------------------------------------------------------------


def serve_folder(place: Path, host: str | None, port: int | None, ask: Ask) -> None:
    """Serve the witness of a folder until it is stopped; `ask` gives the key's passphrase. Raises CannotRun."""
    from api.witness import Witness, serve_witness

    settings, verifier = load_witness(place)
    logs = load_logs(place)
    key = read_key_file(place / KEY, ask)
    if bytes(key.verify_key) != verifier.public_key:
        raise CannotRun(
            f"{place / KEY} no es lo que dice ser.",
            f"{place / KEY} is not what it says it is.",
            "Póngala de vuelta desde una copia.",
            "Put it back from a copy.",
        )
    witness = Witness(verifier, key, logs, State.open(place, verifier), settings.url)
    serve_witness(
        witness,
        settings.host if host is None else host,
        settings.port if port is None else port,
        threads=settings.threads,
        max_requests=settings.max_requests,
        read_timeout=settings.read_timeout,
        ready=lambda address: _say_address(address, verifier, logs),
    )
    screen.note("Detenido.", "Stopped.")


def _say_address(address: str, verifier: Verifier, logs: Sequence[Log]) -> None:
    screen.note("Ctrl-C lo detiene.", "Ctrl-C stops it.")
    watched = len({log.verifier.name for log in logs})
    screen.say(
        f"Testigo {verifier.name} (registros: {watched}): {address}",
        f"Witness {verifier.name} (logs: {watched}): {address}",
        style="bold",
    )


def _vkey(verifier: Verifier) -> str:
    return format_vkey(verifier.name, verifier.type_byte, verifier.public_key)
