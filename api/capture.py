"""Capturing evidence and looking at it again: what `constancia capture` and `constancia recheck` do.

For each link, in this order, and so that it can be broken off anywhere:

1. fetch      (api.fetching), a few hosts at a time, one connection to each
2. judge      by the table below; what is no document is not captured
3. keep       the bytes and their web archive, under their digest (api.archives)
4. sign       what was seen, with the capturer's key
5. write down the signed note in the journal, a file of this machine, synced; from here on nothing is signed again
6. send       the note to the ledger, and write down that it is registered, with its receipt

Where a run died after 5, the next one sends the very same note: the ledger registers it once, whether the first sending
had got through or not. Links that are done, by the ledger's word or the journal's, are not fetched again.

What is seen is judged by the table of `api.judging`; robots, politeness and bounds are `api.fetching`'s. When of many
hosts none answers at all, the fault is more likely ours, and nothing is stated.
"""

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import UNSET

from api.archives import Answer, Archive, Capture, State, web_archive
from api.capture_journal import Journal, Line
from api.fetching import Fetched, Rules, Turns, Unfetched, fetch
from api.judging import Judgement, Outcome, judge
from api.keyfiles import read_key_file
from api.making import Ask, check_receipt, read_file
from api.officers import Desk
from api.posting import Post
from api.screen import screen
from api.signing import Json, Signed, read_signed, sign_draft
from api.sniffing import differs, sniff, title_of
from ledger.errors import CannotRun, Refused
from ledger.statement import format_when, parse_when
from ledger.vocabulary import EvidenceCaptured, EvidenceChecked, EvidenceLinked, Url
from projections.commitments import Commitment, PlanState
from projections.evidence import Evidence, Sight
from projections.records import index_key
from projections.roll import RoleHeld
from projections.rounds import Moderated

MAX_UPLOAD = 512 * 1024 * 1024
# Of the roles that may capture, the first that the body holds is taken.
ROLES = ("capturer", "assessor", "irm", "coordinator", "institution")


# --- the links of a ledger -------------------------------------------------------------------------------------------


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence, as the ledger has it; digests and times of captures and of this body's own checks."""

    index: int
    identity: str
    commitment: str
    url: str = ""
    upload: str = ""
    digests: tuple[str, ...] = ()
    own_capture_ms: int = 0
    own_check_ms: int = 0


class Office(Desk):
    """A capturer at a ledger: which links there are, and what was stated of them."""

    def __init__(self, url: str, key_file: Path, ask: Ask, role: str = "") -> None:
        """`role` is the one that it signs in; left out: the first of `ROLES` that it holds."""
        super().__init__(url, key_file, ask)
        self._wanted = role
        self._secret: Any = None

    @property
    def role(self) -> str:
        """The role that statements are signed in. Raises CannotRun where the body holds none that may."""
        held = {one.role for one in self._every(RoleHeld, f"{self.actor}/") if one.ended is None}
        found = next((one for one in ROLES if one in held and self._wanted in ("", one)), None)
        if found is None:
            raise CannotRun(
                f"«{self.actor}» no tiene ningún papel que capture evidencia: {', '.join(ROLES)}.",
                f"“{self.actor}” holds no role that captures evidence: {', '.join(ROLES)}.",
                "Dos registradores de organizaciones distintas pueden darle el papel `capturer`.",
                "Two registrars of different organisations can grant it the role `capturer`.",
            )
        return found

    def links(self, below: str) -> list[Link]:
        """The links of a plan or commitment that stand, in order; each once. Raises CannotRun."""
        if (self._record(Commitment, below) if "/" in below else self._record(PlanState, below)) is None:
            known = ", ".join(one.plan for one in self._every(PlanState)) or screen.pick("ninguno", "none")
            raise CannotRun(
                f"El registro no tiene ningún plan ni compromiso «{below}».",
                f"The ledger has no plan or commitment “{below}”.",
                f"Planes: {known}. Un compromiso se escribe con su plan: gt-2014-2016/C8.",
                f"Plans: {known}. A commitment is written with its plan: gt-2014-2016/C8.",
            )
        return self._made_of(self._every(Evidence, f"{below}/"))

    def link(self, named: str) -> Link:
        """The link of an identity (64 hex), of the number of its entry, or of the page of it. Raises CannotRun."""
        name = named.rstrip("/").rpartition("/")[2]
        known = self._known(name)
        topics = known.topics if known and known.kind == "EvidenceLinked" else ()
        records = [one for topic in topics if known and (one := self._record(Evidence, index_key(topic, known.index)))]
        found = self._made_of(records)
        if not found:
            raise CannotRun(
                f"«{named}» no es una evidencia enlazada en este registro, o fue retirada.",
                f"“{named}” is no evidence linked in this ledger, or was withdrawn.",
                "Dé el número de su asiento, su identidad o la dirección de su página.",
                "Give the number of its entry, its identity or the address of its page.",
            )
        return found[0]

    def link_of_upload(self, plan: str, digest: str) -> Link:
        """The link that names a file by its digest. Raises CannotRun."""
        found = next((one for one in self.links(plan) if one.upload == digest), None)
        if found is None:
            raise CannotRun(
                f"Ninguna evidencia de {plan} nombra un archivo con el resumen {digest}.",
                f"No evidence of {plan} names a file of the digest {digest}.",
                "Si es copia de una página enlazada, nombre el enlace con --link; si no, enlácelo primero (`upload`).",
                "If it is a copy of a page that is linked, name the link by --link; if not, link it first (`upload`).",
            )
        return found

    def _made_of(self, records: Iterable[Evidence]) -> list[Link]:
        """The links of these records, each once, with what was stated of them."""
        found: dict[str, Evidence] = {}
        for one in records:
            if one.withdrawn is None:
                found.setdefault(one.identity, one)
        stated = self._stated(found.values())
        return [self._link(one, stated) for one in sorted(found.values(), key=lambda one: one.index)]

    def _stated(self, links: Collection[Evidence]) -> dict[str, list[EvidenceCaptured | EvidenceChecked]]:
        """All captures of these links, and this body's last check of each, by link."""
        wanted = {one.index for one in links}
        captures: set[int] = set()
        checks: dict[int, int] = {}
        for commitment in sorted({one.commitment for one in links}):
            for key, sight in self._keyed(Sight, f"{commitment}/"):
                link = int(key.split("/")[-2])
                if link in wanted and sight.seen == "captured":
                    captures.add(sight.index)
                elif link in wanted and sight.actor == self.actor:
                    checks[link] = max(sight.index, checks.get(link, -1))
        stated: dict[str, list[EvidenceCaptured | EvidenceChecked]] = {}
        for index in sorted(captures | set(checks.values())):
            statement = self.opened(index).statement
            if isinstance(statement, EvidenceCaptured | EvidenceChecked):
                stated.setdefault(statement.link, []).append(statement)
        return stated

    def _link(self, evidence: Evidence, stated: Mapping[str, list[EvidenceCaptured | EvidenceChecked]]) -> Link:
        """What the link itself says: the server may show a wrong address, but it cannot sign one."""
        opened = self.opened(evidence.index)
        linked = opened.statement
        if opened.identity != evidence.identity or not isinstance(linked, EvidenceLinked):
            raise CannotRun(f"El asiento {evidence.index} no es un enlace.", f"Entry {evidence.index} is no link.")
        about = stated.get(evidence.identity, [])
        captures = [one for one in about if isinstance(one, EvidenceCaptured)]
        checks = [one for one in about if isinstance(one, EvidenceChecked)]
        own = [parse_when(one.captured_at) for one in captures if one.by[0].actor == self.actor]
        return Link(
            index=evidence.index,
            identity=evidence.identity,
            commitment=evidence.commitment,
            url="" if linked.url is UNSET else linked.url,
            upload="" if linked.upload is UNSET else linked.upload,
            digests=tuple(dict.fromkeys(one.digest for one in captures)),
            own_capture_ms=max(own, default=0),
            own_check_ms=max((parse_when(one.checked_at) for one in checks), default=0),
        )

    # --- stating

    def unlock(self) -> None:
        """Open the key file, before anything is fetched: nobody waits at a terminal for hours. Raises CannotRun."""
        self._secret = read_key_file(self._key_file, self._ask)

    def sign(self, draft: Json, role: str) -> Signed:
        """Sign a draft as this body, after `unlock`. Raises CannotRun, Refused."""
        by = [{"actor": self.actor, "key": self.key, "role": role}]
        lang = "es-GT" if screen.lang == "es" else "en"
        return sign_draft(draft, self.ledger.origin, [self._secret], by=by, now_ms=_now_ms(), lang=lang)

    def register(self, signed: Signed, policy: bytes | None) -> tuple[int, str]:
        """Send a note: the index of its entry, and its receipt, checked. Raises Refused, CannotRun, Misbehaviour."""
        for wait in (0.2, 0.5, 1.0, 2.0, 4.0):
            try:
                answer = self._post.submit(signed.body, signed.media_type)
                break
            except Refused as refused:
                if refused.code not in ("busy", "rate-limit"):
                    raise
                time.sleep(wait)
        else:
            answer = self._post.submit(signed.body, signed.media_type)
        check_receipt(answer, signed, policy)
        return answer.index, answer.receipt

    def policy(self, pinned: Path | None) -> bytes | None:
        """The policy that receipts are checked by: the one pinned, or the ledger's own."""
        return read_file(pinned) if pinned else self._post.get("/policy")


# --- fetching many ---------------------------------------------------------------------------------------------------


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How politely: hosts at one time, seconds between two requests to one of them."""

    hosts: int = 6
    pause: float = 1.0


def outcomes(work: Sequence[tuple[Link, str]], rules: Rules, pace: Pace) -> Iterator[tuple[Link, Outcome | None]]:
    """Fetch each link's address, a few hosts at a time, as they come; None for what a host asked to put off.

    A host that answers 429, or 503 with Retry-After, is left alone for the rest of the run.
    """
    groups: dict[str, list[tuple[Link, str]]] = {}
    for link, url in work:
        groups.setdefault((urlsplit(url).hostname or "").lower(), []).append((link, url))
    waiting: queue.SimpleQueue[list[tuple[Link, str]]] = queue.SimpleQueue()
    for group in sorted(groups.values(), key=len, reverse=True):
        waiting.put(group)
    came: queue.Queue[tuple[Link, Outcome | None] | BaseException] = queue.Queue(maxsize=4)
    turns, stop = Turns(pace.pause), threading.Event()
    threads = [
        threading.Thread(target=_visit, args=(waiting, came, rules, turns, stop), daemon=True)
        for _ in range(min(pace.hosts, len(groups)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in work:
            got = came.get()
            if isinstance(got, BaseException):
                raise got
            yield got
    finally:
        stop.set()


def _visit(
    waiting: "queue.SimpleQueue[list[tuple[Link, str]]]",
    came: "queue.Queue[tuple[Link, Outcome | None] | BaseException]",
    rules: Rules,
    turns: Turns,
    stop: threading.Event,
) -> None:
    """Visit one host after the other, until none is left."""
    try:
        while not stop.is_set():
            try:
                group = waiting.get_nowait()
            except queue.Empty:
                return
            asked_to_wait = False
            for link, url in group:
                outcome = None if asked_to_wait or stop.is_set() else _fetched(url, rules, turns)
                asked_to_wait = asked_to_wait or _asks_to_wait(outcome)
                came.put((link, outcome))
    except BaseException as error:  # noqa: BLE001  a defect of ours ends the run in the thread that people see
        came.put(error)


def _fetched(url: str, rules: Rules, turns: Turns) -> Outcome:
    try:
        return fetch(url, rules, turns)
    except Unfetched as error:
        return error


def _asks_to_wait(outcome: Outcome | None) -> bool:
    if not isinstance(outcome, Fetched):
        return False
    return outcome.last.status == 429 or (outcome.last.status == 503 and outcome.last.header("retry-after") != "")


def told(came: Iterable[tuple[Link, Outcome | None]]) -> Iterator[tuple[Link, Outcome | None]]:
    """The same, but silence is told only once somebody has answered. Raises CannotRun where of many hosts none did."""
    silent: list[tuple[Link, Outcome | None]] = []
    answered = False
    for link, outcome in came:
        if isinstance(outcome, Unfetched) and not outcome.hops and not answered:
            silent.append((link, outcome))
            continue
        answered = answered or outcome is not None
        if answered:
            yield from silent
            silent.clear()
        yield link, outcome
    if len({urlsplit(link.url).hostname for link, _ in silent}) >= 3:
        raise CannotRun(
            f"De {len(silent)} enlaces ninguno contestó nada: la falla está más bien en esta red. No se firmó nada.",
            f"Of {len(silent)} links none answered at all: the fault is rather in this network. Nothing was signed.",
            "Revise la conexión y el servicio de nombres de esta máquina, y repita la orden.",
            "Look at this machine's connection and name service, and run the command again.",
        )
    yield from silent


# --- a run -----------------------------------------------------------------------------------------------------------


class Done(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one link: what was seen and by which rule, and the entry that says so."""

    link: int
    commitment: str
    url: str
    seen: str
    rule: str
    detail: str = ""
    digest: str = ""
    media_type: str = ""
    declared: str = ""
    differs: bool = False
    index: int | None = None
    refused: str = ""


class Run:
    """One run of a command: what it fetches it judges, keeps, signs and sends."""

    def __init__(self, office: Office, archive: Archive, journal: Journal, policy: bytes | None, *, dry: bool) -> None:
        """`dry`: nothing is kept, signed or sent."""
        self.office, self.archive, self.journal = office, archive, journal
        self._policy, self._dry = policy, dry
        self._role = office.role
        if not dry:
            office.unlock()
        self.resent = 0

    def resume(self) -> None:
        """Send what an earlier run signed and did not see registered. Raises CannotRun, Misbehaviour."""
        for line in [] if self._dry else self.journal.pending(self.office.ledger.origin):
            self._send(read_signed(line.note.encode()))
            self.resent += 1

    def due(self, links: Sequence[Link], kind: str, every_ms: int | None) -> list[Link]:
        """The links that this body has not yet stated `kind` of; or not for so long."""
        done = self.journal.done(self.office.ledger.origin, kind)

        def last(link: Link) -> int:
            own = link.own_capture_ms if kind == "EvidenceCaptured" else link.own_check_ms
            return max(own, done.get(link.identity, 0))

        return [one for one in links if not last(one) or (every_ms is not None and _now_ms() - last(one) >= every_ms)]

    def captured(self, link: Link, body: bytes, capture: Capture) -> Done:
        """Keep bytes, and state that they were captured. Raises CannotRun, Misbehaviour."""
        digest = sha256(body).hexdigest()
        draft: Json = {
            "kind": "EvidenceCaptured",
            "plan": link.commitment.partition("/")[0],
            "link": link.identity,
            "digest": digest,
            "size": len(body),
            "media_type": capture.media_type,
            "method": capture.method,
            "captured_at": format_when(capture.captured_ms),
        }
        if capture.answers:
            draft["http_status"] = capture.answers[-1].status
            if (final := capture.answers[-1].url) != link.url and _fits(final):
                draft["final_url"] = final
        done = Done(
            link.index,
            link.commitment,
            capture.url,
            "captured",
            capture.method,
            digest=digest,
            media_type=capture.media_type,
            declared=capture.declared,
            differs=capture.differs,
        )
        if self._dry:
            return done
        self.archive.keep(body, web_archive(capture, body, SOFTWARE))
        return self._state(draft, link, capture.captured_ms, done)

    def checked(self, link: Link, outcome: Outcome, judged: Judgement, now_ms: int) -> Done:
        """State what was seen of a link; bytes not captured yet are kept too. Raises CannotRun, Misbehaviour."""
        draft: Json = {
            "kind": "EvidenceChecked",
            "plan": link.commitment.partition("/")[0],
            "link": link.identity,
            "seen": judged.seen,
            "checked_at": format_when(now_ms),
        }
        if judged.digest:
            draft["digest"] = judged.digest
        detail = outcome.detail if isinstance(outcome, Unfetched) else str(outcome.last.status)
        done = Done(link.index, link.commitment, link.url, judged.seen, judged.rule, detail, judged.digest)
        if self._dry:
            return done
        if isinstance(outcome, Fetched) and judged.rule in ("other-bytes", "first-seen"):
            self.archive.keep(outcome.body, web_archive(capture_of(link, outcome, "direct"), outcome.body, SOFTWARE))
        return self._state(draft, link, now_ms, done)

    def _state(self, draft: Json, link: Link, ms: int, done: Done) -> Done:
        signed = self.office.sign(draft, self._role)
        line = Line(
            identity=signed.identity,
            origin=signed.origin,
            link=link.identity,
            kind=draft["kind"],
            ms=ms,
            note=signed.note.decode(),
        )
        self.journal.add(line)
        sent = self._send(signed)
        return msgspec.structs.replace(done, index=sent.index, refused=sent.refused)

    def _send(self, signed: Signed) -> Line:
        """Send a note that is in the journal, and write down what became of it."""
        try:
            index, receipt = self.office.register(signed, self._policy)
            line = Line(identity=signed.identity, index=index, receipt=receipt)
        except Refused as refused:
            line = Line(identity=signed.identity, refused=f"{refused.code} ({refused.rule}): {refused.detail}")
        self.journal.add(line)
        return line


SOFTWARE = f"constancia {version('constancia')}"


def capture_of(link: Link, got: Fetched, method: str) -> Capture:
    """How an answer's bytes came, for the archive and the statement."""
    media_type = sniff(got.body)
    declared = got.last.header("content-type")[:200]
    return Capture(
        url=got.url,
        answers=tuple(
            [
                Answer(url=hop.url, address=hop.address, status=hop.status, reason=hop.reason, headers=hop.headers)
                for hop in got.hops
            ]
        ),
        captured_ms=got.fetched_ms,
        method=method,
        declared=declared,
        media_type=media_type,
        differs=differs(declared, media_type),
        coding=got.coding,
        title=title_of(got.body) if media_type == "text/html" else "",
        agent=got.agent,
    )


def capture_of_file(link: Link, body: bytes, now_ms: int) -> Capture:
    """The same for a file that was handed in."""
    url = link.url or f"urn:sha256:{sha256(body).hexdigest()}"
    return Capture(url=url, captured_ms=now_ms, method="upload", media_type=sniff(body))


def _fits(url: str) -> bool:
    """Whether a statement may name this address."""
    try:
        msgspec.convert(url, Url)
    except msgspec.ValidationError:
        return False
    return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- what the commands do --------------------------------------------------------------------------------------------


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How links are visited: bounds, politeness, and how old one's own last look may be (None: once is enough)."""

    rules: Rules
    pace: Pace
    every_ms: int | None = None
    anyway: bool = False


def capture_links(run: Run, links: Sequence[Link], manner: Manner) -> list[Done]:
    """Fetch and capture what this body has not captured. Raises CannotRun, Misbehaviour."""
    due = [(link, link.url) for link in run.due(links, "EvidenceCaptured", manner.every_ms) if link.url]

    def act(link: Link, outcome: Outcome) -> Done:
        judged = judge(outcome, link.url, ())
        if isinstance(outcome, Fetched) and (judged.is_document or (manner.anyway and outcome.body)):
            return run.captured(link, outcome.body, capture_of(link, outcome, "direct"))
        return _unstated(link, outcome, judged)

    return _each(due, manner, act, ("Capturando", "Capturing"))


def recheck_links(run: Run, links: Sequence[Link], manner: Manner) -> list[Done]:
    """Look at links again, and state what is seen. Raises CannotRun, Misbehaviour."""
    due = [(link, link.url) for link in run.due(links, "EvidenceChecked", manner.every_ms) if link.url]

    def act(link: Link, outcome: Outcome) -> Done:
        return run.checked(link, outcome, judge(outcome, link.url, link.digests), _now_ms())

    return _each(due, manner, act, ("Revisando", "Checking"))


def capture_copy(run: Run, link: Link, url: str, manner: Manner) -> list[Done]:
    """Capture a copy that another archive holds. Raises CannotRun, Misbehaviour."""

    def act(link: Link, outcome: Outcome) -> Done:
        judged = judge(outcome, url, ())
        if isinstance(outcome, Fetched) and (judged.is_document or (manner.anyway and outcome.body)):
            return run.captured(link, outcome.body, capture_of(link, outcome, "archive"))
        return _unstated(link, outcome, judged)

    return _each([(link, url)], manner, act, ("Capturando", "Capturing"))


def capture_file(run: Run, link: Link, body: bytes) -> list[Done]:
    """Capture a file that was handed in. Raises CannotRun, Misbehaviour."""
    digest = sha256(body).hexdigest()
    if link.upload and link.upload != digest:
        raise CannotRun(
            f"El asiento {link.index} nombra otro archivo: su resumen es {link.upload}, y el de este {digest}.",
            f"Entry {link.index} names another file: its digest is {link.upload}, and of this one {digest}.",
            "Busque el archivo que se enlazó; si este lo reemplaza, enlácelo de nuevo.",
            "Find the file that was linked; if this one replaces it, link it anew.",
        )
    if digest in link.digests and not run.due([link], "EvidenceCaptured", None):
        return [Done(link.index, link.commitment, link.url, "captured", "upload", digest=digest)]
    return [run.captured(link, body, capture_of_file(link, body, _now_ms()))]


def _unstated(link: Link, outcome: Outcome, judged: Judgement) -> Done:
    """What was no document: it is said, and nothing is signed."""
    detail = outcome.detail if isinstance(outcome, Unfetched) else str(outcome.last.status)
    return Done(link.index, link.commitment, link.url, judged.seen, judged.rule, detail)


def _each(
    work: Sequence[tuple[Link, str]], manner: Manner, act: Callable[[Link, Outcome], Done], title: tuple[str, str]
) -> list[Done]:
    """Fetch everything and act on it, in sight; what became of each, in the order of the links."""
    found: list[Done] = []
    with screen.progress(*title, len(work)) as progress:
        for link, outcome in told(outcomes(work, manner.rules, manner.pace)):
            put_off = Done(link.index, link.commitment, link.url, "put-off", "asked-to-wait")
            found.append(put_off if outcome is None else act(link, outcome))
            progress.step()
    return sorted(found, key=lambda one: one.link)


def hidden_digests(url: str, digests: Collection[str]) -> dict[str, State]:
    """Which of these digests the ledger says are out of view, and how. Raises CannotRun."""
    wanted, found, after = set(digests), dict[str, State](), ""
    with Post(url) as post:
        while rows := _moderated(post, after):
            for row in rows:
                digest, state = row.key.rpartition("/")[2], row.record.state
                # Withheld through one capture, bytes are out of view, through however many others they were captured.
                if digest in wanted and (state == "erased" or (state == "withheld" and digest not in found)):
                    found[digest] = state
            after = rows[-1].key
    return found


class _ModeratedRow(msgspec.Struct, frozen=True):
    key: str
    record: Moderated


class _ModeratedRows(msgspec.Struct, frozen=True):
    data: list[_ModeratedRow]


def _moderated(post: Post, after: str) -> list[_ModeratedRow]:
    raw = post.get(f"/api/records/{Moderated.table}?after={quote(after, safe='')}&limit=500") or b""
    try:
        return msgspec.json.decode(raw, type=_ModeratedRows).data
    except msgspec.MsgspecError:
        raise CannotRun(
            f"{post.url} no dice qué está retenido.",
            f"{post.url} does not say what is withheld.",
            "Use la misma versión que el servidor.",
            "Use the version that the server has.",
        ) from None
