"""Sending to a ledger over HTTP, and asking it: what `submit`, `import-report --submit` and `status` need.

    with Post("https://constancia.example/gt") as post:
        answer = post.submit(signed.body, signed.media_type)        # or raises Refused, CannotRun

The address is that of the ledger, up to its path (`…/gt`). What comes back is believed as far as it can be checked: the
receipt must be of the very statement that was sent. Redirects are not followed: nothing signed goes to another host
than the one named.

A ledger to which much was sent from this address asks for a proof of work (api.work); it is done, and the same body
sent again with the answer.
"""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpcore2
import msgspec

from api.work import HEADER, solve
from ledger.errors import STATUS_OF_CODE, CannotRun, Refused

MAX_ANSWER = 4 * 1024 * 1024
# How often work is done for one statement. More than once only if the ledger raised what it asks meanwhile.
WORKS = 3
_SECONDS = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 10.0}


class Answer(msgspec.Struct, frozen=True):
    """A registered statement: where it stands, and its receipt. `fresh` is False when it was registered before;
    `provisional` says that the witnesses of the ledger's policy have still to cosign."""

    index: int
    identity: str
    received_at: str
    receipt: str
    fresh: bool = True
    provisional: bool = False


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    code: str = ""
    rule: str = ""
    detail: str = ""
    refusal: str = ""
    challenge: dict[str, Any] = {}


class RefusedWithNote(Refused):
    """Refused, with the desk's signed note that says when the statement came."""

    def __init__(self, refused: Refused, note: str) -> None:
        super().__init__(refused.code, refused.rule, refused.detail)
        self.note = note


def _challenge_in(answer: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(answer, type=_Problem).challenge
    except msgspec.MsgspecError:
        return {}


def ledger_url(text: str) -> str:
    """The address of a ledger, without a slash at the end. Raises CannotRun for what is no such address."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise CannotRun(
            f"«{text}» no es la dirección de un registro.",
            f"“{text}” is not the address of a ledger.",
            "Escríbala hasta su ruta, por ejemplo http://localhost:8000/gt",
            "Write it up to its path, for example http://localhost:8000/gt",
        )
    return text.rstrip("/")


class Post:
    """A connection to one ledger."""

    def __init__(self, url: str, work: Callable[[Mapping[str, Any]], str] = solve) -> None:
        """`url` is the ledger's address; nothing is sent yet. `work` answers a challenge. Raises CannotRun."""
        self.url = ledger_url(url)
        self._work = work
        self._pool = httpcore2.ConnectionPool()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def submit(self, body: bytes, media_type: str) -> Answer:
        """Post a statement or submission. Raises Refused, and CannotRun where the server cannot be asked."""
        headers = {"content-type": media_type}
        status, answer, _ = self._ask("POST", "/statements", body, headers)
        for _ in range(WORKS):
            challenge = _challenge_in(answer)
            if status != 429 or not challenge:
                break
            try:
                headers[HEADER] = self._work(challenge)
            except ValueError:
                break  # not to be had, or too much: then the refusal says what the ledger said
            status, answer, _ = self._ask("POST", "/statements", body, headers)
        if status in (200, 201):
            try:
                plain = msgspec.json.decode(answer, type=dict[str, object])
                return msgspec.convert(plain | {"fresh": status == 201}, Answer)
            except msgspec.MsgspecError:
                raise self._strange(status) from None
        raise self._refusal(status, answer)

    def ask_text(self, note: bytes) -> bytes:
        """The answer to a signed request for a withheld text. Raises Refused, CannotRun."""
        headers = {"content-type": "application/vnd.constancia.statement"}
        status, answer, _ = self._ask("POST", "/mesa/textos", note, headers)
        if status != 200:
            raise self._refusal(status, answer)
        return answer

    def rehearse(self, text: bytes) -> bool:
        """Whether the ledger would admit the statement of an unsigned text (`api.rehearsal`); False where it cannot
        say. Raises Refused, CannotRun."""
        headers = {"content-type": "application/vnd.constancia.unsigned"}
        status, answer, _ = self._ask("POST", "/mesa/ensayo", text, headers)
        if status in (404, 405):  # a ledger of an older version
            return False
        if status != 200:
            raise self._refusal(status, answer)
        return True

    def receipt(self, path: str) -> tuple[str, bool]:
        """The receipt at a path, and whether it is provisional. Raises CannotRun."""
        status, answer, headers = self._ask("GET", path, None, {})
        try:
            if status == 200:
                return answer.decode(), headers.get("constancia-receipt") == "provisional"
        except UnicodeDecodeError:
            pass
        raise self._strange(status)

    def get(self, path: str) -> bytes | None:
        """What stands below the ledger's address, or None for a 404. Raises CannotRun."""
        status, answer, _ = self._ask("GET", path, None, {})
        if status == 404:
            return None
        if status != 200:
            raise self._strange(status)
        return answer

    def _refusal(self, status: int, answer: bytes) -> Exception:
        try:
            problem = msgspec.json.decode(answer, type=_Problem)
        except msgspec.MsgspecError:
            return self._strange(status)
        if problem.code not in STATUS_OF_CODE:
            return self._strange(status)
        refused = Refused(problem.code, problem.rule, problem.detail)
        return RefusedWithNote(refused, problem.refusal) if problem.refusal else refused

    def _strange(self, status: int) -> CannotRun:
        return CannotRun(
            f"{self.url} contestó {status}: ahí no hay un registro que reciba declaraciones.",
            f"{self.url} answered {status}: no ledger takes statements there.",
            "Revise la dirección: termina en la ruta del registro, como /gt.",
            "Look at the address: it ends in the ledger's path, such as /gt.",
        )

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        try:
            answer = self._pool.request(
                method,
                self.url + path,
                headers={"host": urlsplit(self.url).netloc.rpartition("@")[2], "accept-language": "en", **headers},
                content=body,
                extensions={"timeout": _SECONDS},
            )
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
            raise CannotRun(
                f"Nadie contesta en {self.url}.",
                f"Nobody answers at {self.url}.",
                "Revise la dirección y el puerto, y que el servidor esté en marcha (`constancia serve`).",
                "Look at address and port, and see that the server runs (`constancia serve`).",
            ) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            raise CannotRun(
                f"Se perdió la conexión con {self.url} ({type(error).__name__}); no se sabe si la declaración llegó.",
                f"The connection to {self.url} was lost ({type(error).__name__}); whether the statement got there is "
                "not known.",
                "Envíe otra vez el mismo archivo: lo ya registrado no se registra dos veces.",
                "Send the same file again: what is registered already is not registered twice.",
            ) from None
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        return answer.status, answer.content, found
