"""A ledger in the middle of consultations, for tests of what the public does: rounds open, late, closed and announced.

world = put_plaza(folder)                      on disk, with the web form's key unless `form=False`
with Served(folder) as server:
    signed = say(server, world, "ContentWithheld", "vigilante:moderator", target=…, …)
"""

import json
from pathlib import Path
from typing import Any

import world as w
from service import Served, founded_lately, now_ms, put_on_disk

from api.keyfiles import format_key_file
from api.signing import Signed, sign_draft
from ledger.statement import format_when
from ledger.vocabulary import KINDS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OPEN, LATE, CLOSED, ANNOUNCED = "abierta", "tardia", "cerrada", "anunciada"

# A text that a careless page, file or catalogue breaks on.
HOSTILE = "<script>alert(1)</script> \"'&amp; {{ 7*7 }} %(x)s \u202eabc\u200b\n\n</textarea><b>K'iche' 🌽"


def put_plaza(folder: Path, *, form: bool = True, **settings: Any) -> w.World:
    """The ledger of `world.found`, with two moderators, a program for the web form, and four rounds.

    Nobody is asked for work, unless `settings` say so.
    """
    world = founded_lately(round_open=False)
    w.second_moderator(world)
    w.add_actor(world, "formulario", "program", "mesa")
    w.grant(world, "formulario", "transcriber")
    parts = [{"part": "resultados", "title": "Resultados"}, {"part": "anexo", "title": "Anexo: <cifras> y \u202eotras"}]
    due: Any = {"precision": "day", "day": "2031-03-01"}
    now = now_ms()

    def open_round(name: str, opens: int, closes: int, **more: Any) -> None:
        times = {"opens": format_when(now + opens), "closes": format_when(now + closes)}
        world.open_round(round=name, parts=parts, langs=["es-GT", "quc"], answer_by=due, **times, **more)

    open_round(OPEN, -DAY_MS, 20 * DAY_MS)
    open_round(LATE, -3 * DAY_MS, -HOUR_MS * 3 // 2, late="accept", late_until=format_when(now + DAY_MS))
    open_round(CLOSED, -3 * DAY_MS, -2 * DAY_MS)
    open_round(ANNOUNCED, DAY_MS, 2 * DAY_MS)
    changed: dict[str, Any] = {"free_statements": 100_000} | settings
    put_on_disk(world, folder, **changed)
    if form:
        key = folder / "keys" / "web_form"
        key.touch(0o600)
        key.write_bytes(format_key_file(w.key_of("formulario"), None))
    return world


def say(server: Served, world: w.World, kind: str, *who: str, **fields: Any) -> Signed:
    """Register a statement by these, now."""
    by = [world.signer(one) for one in who]
    keys = [w.key_of(one.partition(":")[0]) for one in who]
    plan = {"plan": w.PLAN} if "plan" in KINDS[kind].__struct_fields__ else {}
    signed = sign_draft({"kind": kind, **plan, **fields}, world.origin, keys, by=by, now_ms=now_ms())
    answer = server.request("POST", f"{server.path}/statements", signed.body, {"content-type": signed.media_type})
    assert answer.status == 201, answer.body
    server.folded()
    return signed


def public_contents(server: Served) -> list[Any]:
    """The lines of what is public now, of the first 256 entries."""
    return [json.loads(line) for line in server.get("/contents/000").body.splitlines()]


def statement_of(server: Served, index: int) -> Any:
    """The JSON of the statement of an entry."""
    raw = server.get(f"/asientos/{index}/original").body.decode()
    return json.loads(raw.split("\n")[2])
