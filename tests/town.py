"""A town that publishes a ledger, and whoever may misbehave in it: an operator, witnesses, mirrors, auditors.

    town = Town()                      the world of `tests/world.py` with a round and comments, published by hand
    town = Town(witnessed=True)        the same before five witnesses, three of civil society and two of the state
    report = town.audit()              with everything pinned
    lies = town.operator.publish(town.operator.drop(20))       the operator signs another history

The operator holds the log's key, so it can lie about anything that is not somebody else's signature. Its verbs change
nothing in the town: they answer with another history (a list of leaves) or with other files, to be audited. Witnesses
speak the real protocol (`ledger.tlog.witness`), without the wire: an honest one cosigns nothing that has not merely
grown. Keys come from names and times from a number, so every run makes the same bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from hashlib import sha512
from time import gmtime, strftime
from typing import Any

from nacl import bindings
from nacl.signing import SigningKey
from second_writer import Files, Web, contents_files, policy_for, publish
from world import ORIGIN, World, found, key_of, public, salted_digest

from ledger.statement import TIME_LENGTH, Entry, format_time, format_when, open_statement
from ledger.tlog.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.tlog.cosignature import cosign
from ledger.tlog.errors import Declined
from ledger.tlog.merkle import consistency_proof, leaf_hash, root_of
from ledger.tlog.note import (
    COSIGNATURE_ED25519,
    Note,
    SignatureLine,
    Verifier,
    format_line,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from ledger.tlog.policy import Policy, parse_policy
from ledger.tlog.tiles import format_bundle, parse_bundle
from ledger.tlog.witness import (
    NEVER,
    AddCheckpoint,
    Latest,
    check_growth,
    format_add_checkpoint,
    open_request,
    parse_add_checkpoint,
    read_cosignature,
)
from projections.audit import audit
from projections.findings import Report

DAY_MS = 86_400_000
SALT = b"s" * 32
LOG = parse_vkey(policy_for(ORIGIN, key_of("log")).split()[1].decode())

CIVIL, STATE = "abc", "de"
GROUPS = "group civil 2 a b c\ngroup estado any d e\ngroup ambos all civil estado\nquorum ambos\n"
"""Two of three of civil society, and one of two of the state."""


def tree_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these entries."""
    return root_of(leaf_hash(leaf) for leaf in leaves)


def growth(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """The proof that the tree over these entries begins with its first `old_size`, the slow and plain way."""
    hashes = [leaf_hash(leaf) for leaf in leaves]

    def subtree(level: int, index: int) -> bytes:
        return root_of(hashes[index << level : (index + 1) << level])

    return consistency_proof(old_size, len(leaves), subtree)


# --- witnesses --------------------------------------------------------------------------------------------------------


class Witness:
    """A witness: a name, a key, a clock that may be off, and what it cosigned last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key_name = f"testigo-{name}.example/w"
        self.key = key_of(self.key_name)
        self.latest = NEVER
        self.off_s = 0
        self.down = False

    @property
    def verifier(self) -> Verifier:
        """Its key, as readers know it."""
        return parse_vkey(format_vkey(self.key_name, COSIGNATURE_ED25519, bytes(self.key.verify_key)))

    @property
    def policy_line(self) -> str:
        """How a policy names it."""
        return f"witness {self.name} {format_vkey(self.key_name, COSIGNATURE_ED25519, bytes(self.key.verify_key))}\n"

    def sign(self, text: bytes, at_s: int) -> SignatureLine:
        """Cosign a text, whatever it is: what an honest witness does last, and one in league at once."""
        return cosign(self.key_name, self.key, text, at_s + self.off_s)

    def add_checkpoint(self, body: bytes, now_s: int) -> bytes:
        """Answer a log's request as the protocol says. Raises Declined."""
        request = parse_add_checkpoint(body)
        signed = open_request(request, lambda origin: [LOG] if origin == ORIGIN else [])
        check_growth(request, signed.checkpoint, self.latest)
        self.latest = Latest(signed.checkpoint.size, signed.checkpoint.root)
        return format_line(self.sign(signed.note.text, now_s)).encode()


def with_lines(head: bytes, lines: Iterable[SignatureLine]) -> bytes:
    """A signed head with more lines under it."""
    note = parse_note(head)
    return format_note(Note(note.text, (*note.lines, *lines)))


def ask(witnesses: Iterable[Witness], head: bytes, leaves: Sequence[bytes], now_s: int) -> bytes:
    """The head with the cosignatures of all witnesses that are up and see nothing wrong with it."""
    text = parse_note(head).text
    lines: list[SignatureLine] = []
    for witness in witnesses:
        if witness.down or witness.latest.size > len(leaves):
            continue
        request = AddCheckpoint(witness.latest.size, growth(leaves, witness.latest.size), head)
        try:
            answer = witness.add_checkpoint(format_add_checkpoint(request), now_s)
        except Declined:
            continue
        lines.append(read_cosignature(answer, witness.verifier, text)[0])
    return with_lines(head, lines)


def record(head: bytes) -> bytes:
    """A cosigned head as `checkpoints/<day>` keeps it: after its length."""
    return len(head).to_bytes(4, "big") + head


def days(heads: Iterable[bytes]) -> dict[str, bytes]:
    """`checkpoints/<day>`: cosigned heads by the day of their latest cosignature."""
    files: dict[str, bytes] = {}
    for head in heads:
        lines = [line for line in parse_note(head).lines if line.name != ORIGIN]
        latest = max(int.from_bytes(line.signature[:8], "big") for line in lines)
        path = f"checkpoints/{strftime('%Y-%m-%d', gmtime(latest))}"
        files[path] = files.get(path, b"") + record(head)
    return files


# --- the town ---------------------------------------------------------------------------------------------------------


class Town:
    """A world, and what is published of it."""

    def __init__(self, comments: int = 5, *, witnessed: bool = False, world: World | None = None) -> None:
        """A consultation with comments; or, with a `world`, what was said in that, as it is."""
        self.world: World = found() if world is None else world
        self.witnesses = [Witness(name) for name in CIVIL + STATE] if witnessed else []
        self.cosigned: list[bytes] = []
        self.lines: list[dict[str, Any]] = []
        # Every text as it was sent, also of those that were taken from view later.
        self.shown: list[dict[str, Any]] = []
        self.operator = Operator(self)
        self.comments: list[Entry] = []
        if world is None:
            self.consult(comments)
        self.files = Files()
        self.publish_again()

    # --- what is said

    def consult(self, comments: int) -> None:
        """A round with comments. One is withheld by a moderator, another taken back by its author."""
        self.sign_head()
        self.world.open_round()
        self.comments = [self.comment(f"vecina-{number}", f"Comentario {number}.") for number in range(comments)]
        self.sign_head()
        if comments > 2:
            self.hide(self.comments[1], self.withhold(self.comments[1]))
            taken_back = self.comments[2].opened.identity
            by = self.world.say("StatementWithdrawn", "vecina-2:citizen", statement=taken_back)
            self.hide(self.comments[2], by)

    def comment(self, who: str, text: str, **fields: Any) -> Entry:
        """A citizen comments, and the text is shown."""
        entry = self.world.say("CommentSubmitted", f"{who}:citizen", **self.world.comment(who, text, **fields))
        self.show(entry, who, text)
        return entry

    def show(self, entry: Entry, who: str, text: str) -> None:
        """The text of an entry stands in `contents/`."""
        line: dict[str, Any] = {"index": entry.index, "salt": SALT.hex(), "content": {"text": text}}
        self.lines.append(line | {"salted_digest": salted_digest(ORIGIN, public(who), {"text": text}, SALT)})
        self.shown.append(self.lines[-1])

    def withhold(self, entry: Entry, who: str = "vigilante", **fields: Any) -> Entry:
        """A moderator withholds a comment."""
        return self.world.say("ContentWithheld", f"{who}:moderator", **self.withholding(entry, **fields))

    def withholding(self, entry: Entry, **fields: Any) -> dict[str, Any]:
        """The fields of ContentWithheld for a comment."""
        (digest,) = entry.opened.statement.salted_digests()
        return {
            "target": {"statement": entry.opened.identity, "salted_digest": digest},
            "ground": "personal_data",
            "rule": "3",
            "appeal_until": format_when(self.world.now_ms + 15 * DAY_MS),
            **fields,
        }

    def hide(self, entry: Entry, by: Entry) -> None:
        """Put the marker in the place of a text."""
        at = next(at for at, line in enumerate(self.lines) if line["index"] == entry.index)
        self.lines[at] = {
            "index": entry.index,
            "salted_digest": self.lines[at]["salted_digest"],
            "by": {"digest": by.opened.identity, "index": by.index},
        }

    def let_in(self, kind: str, *who: str, **fields: Any) -> Entry:
        """Register a well signed statement whatever the rulebook says of it: the docket takes what it can."""
        return self.take(self.world.sign(kind, *who, **fields))

    def take(self, note: bytes) -> Entry:
        """As `let_in`, for a note."""
        opened = open_statement(note, ORIGIN)
        try:
            return self.world.take(opened)
        except (KeyError, AttributeError):  # it speaks of what does not exist
            entry = Entry(self.world.docket.size, self.world.now_ms, opened)
            self.world.docket.size += 1
            self.world.entries.append(entry)
            self.world.now_ms += 1
            return entry

    # --- what is published

    def sign_head(self) -> None:
        """The witnesses cosign what there is now; a second passes. Nothing happens where there are none."""
        if self.witnesses:
            leaves = self.world.leaves()
            head = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), tree_of(leaves)), key_of("log"))
            self.cosigned.append(ask(self.witnesses, head, leaves, self.clock_s))
            self.world.now_ms += 1_000

    @property
    def clock_s(self) -> int:
        """The full second after the last that was said: what clocks show when a head is signed."""
        return self.world.now_ms // 1_000 + 1

    def publish_again(self) -> None:
        """Publish what there is now, with older partial files beside the newest."""
        self.sign_head()
        leaves = self.world.leaves()
        others = contents_files(self.lines) | {"policy": self.policy_file} | days(self.cosigned)
        if self.cosigned:
            quorate = [head for head in self.cosigned if self.policy.check(head).quorum_reached]
            others["checkpoint"] = quorate[-1]
        self.files = publish(ORIGIN, leaves, key_of("log"), heads=self.sizes, others=others)

    @property
    def sizes(self) -> list[int]:
        """The tree sizes of older heads."""
        size = len(self.world.entries)
        sizes = [parse_checkpoint(head).checkpoint.size for head in self.cosigned] or [1, 7, size - 3]
        return [each for each in sizes if 0 < each <= size]

    def mirror(self) -> Files:
        """What a mirror holds that copies everything now, and does not look again."""
        return self.files.copy()

    # --- who looks

    @property
    def policy_file(self) -> bytes:
        """The policy: the log's key, and the witnesses where there are any."""
        if not self.witnesses:
            return policy_for(ORIGIN, key_of("log"))
        log = policy_for(ORIGIN, key_of("log")).replace(b"quorum none\n", b"")
        return log + ("".join(each.policy_line for each in self.witnesses) + GROUPS).encode()

    @property
    def policy(self) -> Policy:
        """What the auditors of this town pin."""
        return parse_policy(self.policy_file)

    @property
    def founding(self) -> str:
        """The identity that they pin."""
        return self.world.entries[0].opened.identity

    def audit(self, files: Files | None = None, **options: Any) -> Report:
        """Audit with policy and founding pinned."""
        options = {"policy": self.policy, "founding": self.founding, "workers": 1, **options}
        return audit(self.files if files is None else files, **options)


class Auditor:
    """Somebody who looks at the ledger now and then, and keeps every signed head that was shown."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.kept: list[bytes] = []

    def look(self, files: Files) -> Report:
        """Audit, and keep the checkpoint."""
        report = self.town.audit(files, seen=self.kept)
        self.kept.append(files["checkpoint"])
        return report


class Growing(Web):
    """A web server whose ledger grows just after the first checkpoint was read."""

    def __init__(self, before: Files, after: Files) -> None:
        super().__init__(after)
        self.first = before["checkpoint"]

    def read(self, path: str) -> bytes | None:
        if path == "checkpoint" and self.first:
            raw, self.first = self.first, b""
            return raw
        return super().read(path)


# --- who lies ---------------------------------------------------------------------------------------------------------


class Operator:
    """Who runs the town's log and holds its key, and what it can do with it; `league` are witnesses that help."""

    def __init__(self, town: Town) -> None:
        self.town = town

    # --- other histories: each verb answers with the leaves that are published then

    def leaves(self) -> list[bytes]:
        """The true ones."""
        return self.town.world.leaves()

    def drop(self, at: int) -> list[bytes]:
        """One entry is not there."""
        leaves = self.leaves()
        del leaves[at]
        return leaves

    def truncate(self, size: int) -> list[bytes]:
        """The newest entries are not there."""
        return self.leaves()[:size]

    def reorder(self, at: int, *, times: bool = False) -> list[bytes]:
        """Two neighbours change places; with `times` each takes the other's received time, so that none goes back."""
        leaves = self.leaves()
        one, other = leaves[at], leaves[at + 1]
        if times:
            one, other = other[:TIME_LENGTH] + one[TIME_LENGTH:], one[:TIME_LENGTH] + other[TIME_LENGTH:]
        leaves[at], leaves[at + 1] = other, one
        return leaves

    def redate(self, at: int, by_ms: int, *, on: bool = False) -> list[bytes]:
        """An entry was received at another time; with `on`, so were all that follow it."""
        leaves = self.leaves()
        entries = self.town.world.entries
        for each in range(at, len(leaves) if on else at + 1):
            leaves[each] = self.at_time(leaves[each], entries[each].received_ms + by_ms)
        return leaves

    @staticmethod
    def at_time(leaf: bytes, received_ms: int) -> bytes:
        """An entry with another received time."""
        return format_time(received_ms).encode() + leaf[TIME_LENGTH:]

    def edit(self, at: int, old: bytes, new: bytes) -> list[bytes]:
        """Other words in one entry, which nobody signed."""
        leaves = self.leaves()
        assert old in leaves[at]
        leaves[at] = leaves[at].replace(old, new, 1)
        return leaves

    def insert(self, at: int, leaf: bytes) -> list[bytes]:
        """One more entry among the old ones."""
        leaves = self.leaves()
        leaves.insert(at, leaf)
        return leaves

    # --- signing and publishing

    def sign(self, leaves: Sequence[bytes], league: Iterable[Witness] = (), *, key: str = "log") -> bytes:
        """A signed head over any leaves, cosigned by witnesses that help."""
        head = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), tree_of(leaves)), key_of(key))
        text = parse_note(head).text
        return with_lines(head, [witness.sign(text, self.town.clock_s) for witness in league])

    def publish(
        self,
        leaves: Sequence[bytes],
        league: Sequence[Witness] = (),
        *,
        key: str = "log",
        lines: list[dict[str, Any]] | None = None,
        cosigned: Sequence[bytes] | None = None,
    ) -> Files:
        """Sign another history and publish it whole, with its contents where they belong now.

        `cosigned` are the older cosigned heads that stay published: those that there are, if not given.
        """
        head = self.sign(leaves, league, key=key)
        kept = [*(self.town.cosigned if cosigned is None else cosigned), *([head] if league else [])]
        others = contents_files(self.contents(leaves) if lines is None else lines) | days(kept)
        others |= {"policy": self.town.policy_file, "head": head, "checkpoint": head}
        sizes = [size for size in self.town.sizes if size < len(leaves)]
        return publish(ORIGIN, leaves, key_of("log"), heads=sizes, others=others)

    def slip(self, leaves: Sequence[bytes], *, tiles: bool = True) -> Files:
        """Put another history under the old signed heads; without `tiles` the tree's own files stay as they were."""
        files = self.publish(leaves)
        kept = [path for path in self.town.files if path in _HEADS or path.startswith("checkpoints/")]
        if not tiles:
            kept += [path for path in self.town.files if _is_hashes(path)]
        return Files(files | {path: self.town.files[path] for path in kept})

    def grow(self, *entries: bytes, at_ms: int | None = None) -> Files:
        """Register any bytes as the next entries; the witnesses see growth and cosign it."""
        leaves = [*self.leaves(), *entries]
        head = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), tree_of(leaves)), key_of("log"))
        if not self.town.witnesses:
            return self.publish(leaves)
        now_s = self.town.clock_s if at_ms is None else at_ms // 1_000 + 1
        cosigned = ask([copy(each) for each in self.town.witnesses], head, leaves, now_s)
        files = self.publish(leaves, cosigned=[*self.town.cosigned, cosigned])
        files["checkpoint"] = cosigned
        return files

    def entry(self, note: bytes, *, after_ms: int = 0) -> bytes:
        """The entry of a note that comes now."""
        return format_time(self.town.world.now_ms + after_ms).encode() + b"\n" + note

    def contents(self, leaves: Sequence[bytes]) -> list[dict[str, Any]]:
        """The town's contents as they belong to these leaves; a text whose marker lost its reason is shown again."""
        old = [leaf[TIME_LENGTH:] for leaf in self.leaves()]
        new: dict[bytes, list[int]] = {}
        for at, leaf in enumerate(leaves):
            new.setdefault(leaf[TIME_LENGTH:], []).append(at)
        known = set(old)
        lines: list[dict[str, Any]] = []
        for line in self.town.lines:
            at: int = line["index"]
            edited = [at] if at < len(leaves) and leaves[at][TIME_LENGTH:] not in known else []
            by: dict[str, Any] | None = line.get("by")
            moved = None if by is None else new.get(old[int(by["index"])])
            if by is not None and moved is None:
                line = next(each for each in self.town.shown if each["index"] == at)
            elif by is not None and moved is not None:
                line = line | {"by": by | {"index": moved[0]}}
            lines += [line | {"index": place} for place in new.get(old[at], edited)]
        return lines

    # --- other files under true heads

    def serve(self, path: str, change: Callable[[bytes], bytes]) -> Files:
        """One file with other bytes."""
        files = self.town.files.copy()
        files[path] = change(files[path])
        assert files[path] != self.town.files[path]
        return files

    def replace_entry(self, path: str, at: int, change: Callable[[bytes], bytes]) -> Files:
        """One entry of a bundle with other bytes; the tiles stay."""
        width = int(path.rpartition(".p/")[2]) if ".p/" in path else 256
        records = parse_bundle(self.town.files[path], width)
        records[at] = change(records[at])
        return self.serve(path, lambda _: format_bundle(records))

    def say_of(self, index: int, line: dict[str, Any] | None) -> Files:
        """Another line of contents for an entry, or none."""
        lines = [each for each in self.town.lines if each["index"] != index]
        files = self.town.files.copy()
        files.update(contents_files([*lines, *([line] if line else [])]))
        return files

    def swap_texts(self, one: int, other: int) -> Files:
        """Two comments show each other's text and salt."""
        first, second = (next(line for line in self.town.lines if line["index"] == each) for each in (one, other))
        swapped = {"salt": second["salt"], "content": second["content"]}
        lines = [line for line in self.town.lines if line["index"] not in (one, other)]
        back = {"salt": first["salt"], "content": first["content"]}
        files = self.town.files.copy()
        files.update(contents_files([*lines, first | swapped, second | back]))
        return files


def _is_hashes(path: str) -> bool:
    return path.startswith("tile/") and not path.startswith("tile/entries/")


_HEADS = frozenset({"head", "checkpoint"})


def another_signature(key: SigningKey, message: bytes) -> bytes:
    """A signature as good as the one that `key.sign` makes, with other bytes: as of a browser that signs at random."""
    secret = bytearray(sha512(bytes(key)).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    nonce = bindings.crypto_core_ed25519_scalar_reduce(sha512(b"another nonce" + bytes(key) + message).digest())
    point = bindings.crypto_scalarmult_ed25519_base_noclamp(nonce)
    asked = bindings.crypto_core_ed25519_scalar_reduce(sha512(point + bytes(key.verify_key) + message).digest())
    product = bindings.crypto_core_ed25519_scalar_mul(
        asked, bindings.crypto_core_ed25519_scalar_reduce(bytes(secret) + bytes(32))
    )
    return point + bindings.crypto_core_ed25519_scalar_add(nonce, product)


def signed_otherwise(note: bytes, *keys: SigningKey) -> bytes:
    """The same statement under other, equally good signatures of the same keys."""
    parsed = parse_note(note)
    lines = [
        SignatureLine(line.name, line.key_id, another_signature(key, parsed.text))
        for line, key in zip(parsed.lines, keys, strict=True)
    ]
    return format_note(Note(parsed.text, tuple(lines)))
