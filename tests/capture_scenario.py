"""What the tests of capture run in a network of their own: a ledger with two hundred links into a hostile web, captured
by the real command, killed in the middle and begun again; then, with time passed, looked at anew.

    entered("capture_scenario.py", FOLDER)        leaves FOLDER/result.json, FOLDER/archive and the ledger's folder

The ledger's server and the command are processes of their own, and know nothing of where they are.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import world as w
from hostile_web import INTRANET, PAGES, PDF, Web, names
from own_network import Names, Wire, ask_here, bring_up
from service import Served, founded_lately, put_on_disk, until

from api.keyfiles import format_key_file

COMMAND = Path(sys.executable).parent / "constancia"
MANNERS = ("--timeout", "8", "--max-size", "1", "--hosts", "24", "--pause", "0.02", "--allow", f"{INTRANET}0/24")
KILLED_AFTER = 30
"""Statements that are registered when the first run is killed."""


class Capturer:
    """A capturer at the command line."""

    def __init__(self, folder: Path, url: str, authority: Path) -> None:
        self.archive = folder / "archive"
        self.journal = self.archive / "journal.jsonl"
        key = folder / "captura.key"
        key.touch(0o600)
        key.write_bytes(format_key_file(w.key_of("captura"), None))
        self._options = [
            "--key",
            key,
            "--to",
            url,
            "--archive",
            self.archive,
            *MANNERS,
            "--allow-port",
            "8443",
            "--json",
        ]
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("CONSTANCIA", "LC_", "LANG"))
        }
        self._environment = plain | {"SSL_CERT_FILE": str(authority)}

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """A run of the command."""
        line = [str(COMMAND), *words, *map(str, self._options)]
        pipe = subprocess.PIPE
        return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=self._environment)

    def run(self, *words: str) -> dict[str, Any]:
        """A whole run: its code, its document, what it said on the way."""
        running = self.begin(*words)
        out, error = running.communicate(timeout=240)
        assert "Traceback" not in error, error
        return {"code": running.returncode, "said": error, **json.loads(out or "{}")}

    def registered(self) -> int:
        """How many statements of the journal are registered."""
        lines = self.journal.read_bytes().splitlines() if self.journal.exists() else []
        return sum(b'"index"' in line for line in lines)

    def killed(self, *words: str) -> dict[str, Any]:
        """A run that is killed in the middle, just after it sent a note; with half a line in its journal."""
        running = self.begin(*words)
        until(lambda: self.registered() >= KILLED_AFTER or running.poll() is not None, pause=0.005)
        running.kill()
        running.communicate()
        whole = self.journal.read_bytes().rpartition(b"\n")[0].splitlines()
        last = max(number for number, line in enumerate(whole) if b'"index"' in line)
        forgotten = whole.pop(last)
        self.journal.write_bytes(b"".join(line + b"\n" for line in whole) + forgotten[: len(forgotten) // 2])
        return {"code": running.returncode, "identity": json.loads(forgotten)["identity"], "registered": last}


def linked(world: w.World) -> dict[str, str]:
    """Link every page, and one file by its digest: address -> identity."""
    found: dict[str, str] = {}
    told = {"title": "Acta", "evidence_type": "document", "shows": "Lo hecho"}
    for page in PAGES:
        entry = world.say("EvidenceLinked", "copret:institution", for_=[f"{w.G1}.M0"], url=page.url, **told)
        found[page.url] = entry.opened.identity
    upload = sha256(PDF).hexdigest()
    entry = world.say("EvidenceLinked", "icefi:assessor", for_=[f"{w.G2}.M0"], upload=upload, **told)
    return found | {"upload": entry.opened.identity}


def stated(server: Served, first: int) -> list[dict[str, Any]]:
    """What the ledger holds from an entry on, as signed."""
    server.folded()
    found: list[dict[str, Any]] = []
    for index in range(first, server.size()):
        note = server.get(f"/api/entries/{index}").json["data"]["note"]
        found.append(cast("dict[str, Any]", json.loads(note.split("\n")[1])) | {"index": index})
    return found


def main(folder: Path) -> None:
    """Run everything, and leave what came of it."""
    bring_up()
    ask_here(folder)
    world = founded_lately()
    links = linked(world)
    put_on_disk(world, folder / "gt")
    with Served(folder / "gt") as server, Web(folder) as web, Names(names(lambda: web.turned)) as served:
        capturer = Capturer(folder, f"{server.address.rstrip('/')}/gt", web.authority)
        first = server.size()
        result: dict[str, Any] = {"links": links, "ledger_port": server.port}
        with Wire() as wire:
            result["killed"] = capturer.killed("capture", "--plan", w.PLAN)
            server.folded()
            result["capture"] = capturer.run("capture", "--plan", w.PLAN)
            server.folded()
            result["again"] = capturer.run("capture", "--commitment", w.G2)
            (folder / "acta.pdf").write_bytes(PDF)
            result["upload"] = capturer.run("capture", "--plan", w.PLAN, "--file", str(folder / "acta.pdf"))
            web.turned = True
            served.names = names(lambda: True)
            server.folded()
            result["recheck"] = capturer.run("recheck", "--plan", w.PLAN)
            server.folded()
            result["soon"] = capturer.run("recheck", "--commitment", w.G1)
        result |= {"attempts": wire.attempts, "missed": wire.missed, "statements": stated(server, first)}
        result["heads"] = [head.decode("latin-1") for head in web.heads]
        result["server_log"] = server.log()
    (folder / "result.json").write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
