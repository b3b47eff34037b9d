"""The people of a demonstration: their keys, and how they say something through the desk."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from nacl.signing import SigningKey

from api.keyfiles import public_hex
from api.signing import Signed, sign_draft

if TYPE_CHECKING:
    from consultation.desk import Desk
    from ledger.log import Registered

# What is invented says so, in the line itself.
INVENTED = "Inventado para la demostración: "

# So many statements are on their way at one time; the bar moves when they have arrived.
_AHEAD = 64


class Cast:
    """Whoever speaks in a demonstration. Every key is made when it is first asked for."""

    def __init__(self, origin: str, now_ms: int, desk: "Desk", done: Callable[[], None]) -> None:
        """`done` is called once for each statement that is registered."""
        self.origin = origin
        self.now_ms = now_ms
        self.keys: dict[str, SigningKey] = {}
        self.registered = 0
        self._desk = desk
        self._done = done
        self._waiting: list[Future[Registered]] = []

    def key(self, name: str) -> SigningKey:
        """The key of somebody."""
        if name not in self.keys:
            self.keys[name] = SigningKey.generate()
        return self.keys[name]

    def public(self, name: str) -> str:
        """The public key of somebody."""
        return public_hex(self.key(name))

    def say(self, kind: str, *who: str, **fields: Any) -> Signed:
        """Sign and submit a statement: `who` is `name:role`, each a signer. Raises Refused."""
        names = [one.partition(":")[0] for one in who]
        by = [self._signer(one) for one in who]
        draft = {"kind": kind, **{name.rstrip("_"): value for name, value in fields.items()}}
        keys = [self.key(name) for name in names]
        return self.submit(sign_draft(draft, self.origin, keys, by=by, now_ms=self.now_ms))

    def submit(self, signed: Signed) -> Signed:
        """Submit what is signed; the answers are waited for in `settle`."""
        self._waiting.append(self._desk.submit(signed.note, signed.contents))
        if len(self._waiting) >= _AHEAD:
            self.settle()
        return signed

    def settle(self) -> None:
        """Wait until all that was said is registered. Raises the first refusal."""
        for answer in self._waiting:
            answer.result()
            self.registered += 1
            self._done()
        self._waiting.clear()

    def _signer(self, one: str) -> Mapping[str, str]:
        name, _, role = one.partition(":")
        signer = {"key": self.public(name), "role": role}
        return signer if role == "citizen" else {"actor": name, **signer}


def content(text: str) -> Mapping[str, object]:
    """An invented text for the vault, where a salted digest stands."""
    return {"$content": {"text": INVENTED + text}}


def identities(said: Sequence[Signed]) -> list[str]:
    """The identities of what was said."""
    return [one.identity for one in said]
