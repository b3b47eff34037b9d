"""A mirror: a copy of a ledger's published files into which nothing gets that has not passed the audit.

    mirror_ledger(url, place, …)     fetch, audit, publish the copy; once, or again and again
    serve_copy(place, host, port)    the copy over HTTP, at the path of its origin

    place/
      public/       the copy: a folder like the original's, to be served by any static server, and audited
      incoming/     what came over the network and waits for the audit's word; full tiles stay for the next round
      audit.db      what the audits keep                    (`projections.kept`)

A round audits the original through `Collecting`, which writes down every file that the auditor reads. Only when nothing
is found do these files enter `public/`, in the order in which a writer publishes: bundles and tiles, which never
change; texts, cosigned heads and the ledger's own files, which do; and last the signed head. So `public/` is at every
moment a whole ledger of some size, as good as the last audit. At a finding it stays as it was, and what is wrong is
told; the evidence is what was found, and the copy.

Texts that a moderator or author took from view are taken from view here with the next round, and once a day every text
is fetched again: whoever keeps a copy keeps that promise too.
"""

import threading
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.auditing import DAY, Wanted, opened_memory, run_audit, show_audit, show_findings, show_verdict
from api.monitoring import Told, told_to_stop
from api.problems import Problem
from api.screen import screen
from api.sources import forget
from ledger.errors import CannotRun
from ledger.published import STAMP_INDEX, Folder, is_full_path, is_published_path, merge_stamp_index
from ledger.statement import format_when
from ledger.tlog.checkpoint import parse_checkpoint
from ledger.tlog.tiles import bundles_for_growth, tiles_of

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.findings import Report

# These change, and are copied anew whenever they were read. The signed head comes last, and not from here.
_CHANGING = ("contents/", "checkpoints/", "timestamps/", "policy", "ledger.json")


class Collecting:
    """A source that writes every file down as it is read. Full tiles that are there already are not asked for."""

    def __init__(self, source: "Source", public: Folder, incoming: Folder) -> None:
        self._source = source
        self._public = public
        self._incoming = incoming

    def paths(self) -> Iterable[str] | None:
        """What the original lists: of an address nothing."""
        return self._source.paths()

    def read(self, path: str) -> bytes | None:
        """The file; the auditor judges it, wherever it comes from."""
        full = is_full_path(path)
        raw = (self._public.read(path) or self._incoming.read(path)) if full else None
        if raw is None:
            raw = self._source.read(path)
            # The signed head enters the copy from the report: it is the one that was audited.
            if raw is not None and is_published_path(path) and path not in ("head", "checkpoint"):
                self._incoming.replace(path, raw)
        return raw


class Mirror:
    """The copy in a folder."""

    def __init__(self, place: Path) -> None:
        self.public = Folder(place / "public")
        self.incoming = Folder(place / "incoming")

    def collecting(self, source: "Source") -> Collecting:
        """A source for one round."""
        return Collecting(source, self.public, self.incoming)

    def take_in(self, report: "Report") -> None:
        """Publish what a clean audit has verified. Broken off anywhere, the copy is whole, and the next round goes on.

        Raises CannotRun where something that was verified is in neither folder any more, or a disk fails.
        """
        needed = _files_of(report.size)
        for path in needed:
            if not (self.public.root / path).exists():
                self.public.create(path, self._verified(path))
        # What a round that was broken off left here was verified then, or was read once more by this one.
        changing = [path for path in self.incoming.paths() if path.startswith(_CHANGING)]
        for path in changing:
            raw = self._verified(path)
            if path == STAMP_INDEX:  # whoever keeps a copy may have had it stamped too
                raw = merge_stamp_index(self.public.read(path) or b"", raw)
            self.public.replace(path, raw)
        note = report.checkpoint.encode()
        before = self.public.read("head")
        if before != note:
            # From here on it is the newest head: all that a reader of it needs is there.
            self.public.swap_head(before, note, checkpoint=True)
        self.public.sweep(time.time())
        forget(self.incoming.root, [*needed, *changing])

    def refuse(self, report: "Report") -> None:
        """Nothing of this round enters the copy; what may be wrong, or may change, is fetched anew the next time."""
        changing = [path for path in self.incoming.paths() if path.startswith(_CHANGING)]
        forget(self.incoming.root, [*changing, *(each.path for each in report.findings if each.path)])

    def _verified(self, path: str) -> bytes:
        raw = self.incoming.read(path)
        if raw is None:
            raise CannotRun(
                f"A la copia le falta {path}, que ya se había verificado: alguien lo quitó de {self.public.root}.",
                f"The copy lacks {path}, which was verified before: somebody took it from {self.public.root}.",
                f"Borre {self.public.root.parent / 'audit.db'} y repita: todo se trae de nuevo.",
                f"Delete {self.public.root.parent / 'audit.db'} and run this again: everything is fetched anew.",
            )
        return raw


def mirror_ledger(url: str, place: Path, policy: Path | None, founding: str | None, every: int | None) -> int:
    """Bring the copy up to the original, once or every so many seconds; the exit code. Raises CannotRun."""
    wanted = Wanted(where=url, policy=policy, founding=founding)
    mirror = Mirror(place)
    code = 0
    texts_at = 0.0
    with opened_memory(place) as kept, told_to_stop() if every is not None else nullcontext(Told()) as told:
        while True:
            daily = time.time() - texts_at > DAY
            try:
                report = run_audit(wanted, kept, every_text=daily, wrap=mirror.collecting)
            except CannotRun as error:
                if every is None:
                    raise
                screen.cannot(error)
            else:
                code = 0 if report.clean else 1
                if report.clean:
                    mirror.take_in(report)
                    texts_at = time.time() if daily else texts_at
                else:
                    mirror.refuse(report)
                    texts_at = 0.0  # what was dropped with it is read again, in order or not
                _tell(report, place, brief=every is not None)
            if every is None or told.wait(every):
                return code


def _tell(report: "Report", place: Path, *, brief: bool) -> None:
    if screen.as_json:
        screen.json(report)
        return
    if brief:
        show_findings(report)
        now = format_when(int(time.time()) * 1000)
        screen.line(f"{now} {report.size:,} {screen.pick(report.verdict_es, report.verdict)}")
        return
    if report.clean:
        show_verdict(report)
        screen.note(
            f"La copia de {report.size:,} asientos está en {place / 'public'}; puede publicarla con cualquier "
            f"servidor de archivos, y auditarla: constancia audit {place}",
            f"The copy of {report.size:,} entries is in {place / 'public'}; any file server can publish it, and it "
            f"can be audited: constancia audit {place}",
        )
    else:
        show_audit(report)
        screen.note("La copia quedó como estaba.", "The copy stayed as it was.")


def _files_of(size: int) -> list[str]:
    """The tiles and bundles that a reader of the tree of `size` entries needs, bundles first."""
    return [each.path for each in (*bundles_for_growth(0, size), *tiles_of(size))]


# --- serving a copy ---------------------------------------------------------------------------------------------------


def is_copy(place: Path) -> bool:
    """Whether a folder holds a copy of a ledger, and not a ledger of its own."""
    return (
        (place / "public" / "head").exists() and (place / "audit.db").exists() and not (place / "journal.db").exists()
    )


def serve_copy(place: Path, host: str, port: int) -> None:
    """Serve the copy's published files until a signal ends it. Raises CannotRun.

    It answers what any static server would, with the types and headers of the published files: there is no state of
    its own, so no pages and no statements are taken.
    """
    from api.listening import free_port, listen

    folder = Folder(place / "public")
    origin = parse_checkpoint(folder.read("head") or b"").checkpoint.origin
    path = origin.rpartition("/")[2]

    def ready(address: str) -> None:
        screen.note("Ctrl-C lo detiene.", "Ctrl-C stops it.")
        screen.line(f"{screen.pick('Copia', 'Copy')}: {address}{path}", style="bold")

    listen(copy_app(folder, path), host, free_port(host, port), read_timeout=8.0, halt=threading.Event(), ready=ready)


def copy_app(folder: Folder, ledger: str) -> Any:
    """The ASGI application over a copy, whose files lie below `/<ledger>/`."""
    from api.tiles import send_problem, serve_file

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        if scope["type"] != "http":
            return
        first, _, below = scope["path"].lstrip("/").partition("/")
        if first == ledger:
            await serve_file(folder, below, scope, send)
        else:
            await send_problem(Problem(404, f"The copy lies at /{ledger}/."), scope, send)

    return app
