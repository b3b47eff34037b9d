"""Captured bytes, handed out as files: what a statement was signed for, unless another took it from view.

    GET /gt/evidencia/archivos/<SHA-256>          the bytes, to be saved
    GET /gt/evidencia/archivos/<SHA-256>.wacz     how they came: the web archive of their first capture

The bytes are strangers'. A browser is told to save them, never to show them: attachment, `nosniff`, and a CSP of
`sandbox` for one that shows them all the same; under a name that is the digest, so that what they call themselves
counts nowhere.

The record decides, at each request: bytes are served if a registered capture names them, and none of the captures that
name them is withheld (451) or erased (410); both answers lead to the statement that did it, on the page and in the Link
header. What merely lies in the folder is not served. Whether the bytes are here at all is this server's matter (404):
the record holds the digest, and others may have the bytes.
"""

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api import site
from api.archives import WACZ_TYPE
from api.problems import Problem
from api.reading import Reading
from api.record import Reader, View
from ledger.errors import Misbehaviour
from projections.evidence import Captured
from projections.rounds import Moderated

HEADERS = {
    **site.HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
# Of the captures of one digest so many are looked at; beyond it the bytes are not served, whatever they are.
MAX_CAPTURES = 1_000

State = str
"""`unknown`, `shown`, `withheld`, `erased`."""


def _stand(view: View, digest: str) -> tuple[State, int | None]:
    """How the record says that captured bytes stand, and which entry took them from view, where one did."""
    captures = [one for _, one in view.records.scan(Captured, prefix=f"{digest}/", limit=MAX_CAPTURES + 1)]
    if not captures or len(captures) > MAX_CAPTURES:
        return "unknown", None
    moderated = [view.records.get(Moderated, f"{one.identity}/{digest}") for one in captures]
    acts = {one.state: one.act for one in moderated if one is not None}
    state = next((state for state in ("erased", "withheld", "redacted") if state in acts), "shown")
    return state, acts.get(state) if state != "shown" else None


def bytes_here(reading: Reading, digest: str) -> dict[str, Any]:
    """How captured bytes stand (`state`), and, where they are kept here and in view, their address (`href`) and that of
    the web archive of their capture (`web`); where they are not in view, the entry that took them from it (`act`)."""
    state, act = _stand(reading.reader.at(), digest)
    archive = reading.reader.archive
    if state != "shown":
        # An older view has no page of a later entry.
        told = act if act is not None and act < reading.view.size else None
        return {"state": state, "href": "", "web": "", "act": told}
    if archive is None or not archive.has(digest):
        return {"state": state, "href": reading.to_document(digest), "web": "", "act": None}
    address = reading.place.raw("evidencia", "archivos", digest)
    return {"state": state, "href": address, "web": address + ".wacz", "act": None}


def archive_handler(reader: Reader) -> HTTPRouteHandler:
    """The route below a ledger's path."""

    @get("/evidencia/archivos/{name:str}", include_in_schema=False, sync_to_thread=True)
    def captured(name: str) -> Response[bytes]:
        digest, dot, ending = name.partition(".")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or dot + ending not in ("", ".wacz"):
            raise Problem(404, "There is no such page.")
        # Of an older view too: what is withheld now is withheld in every view.
        _check_shown(*_stand(reader.at(), digest))
        archive = reader.archive
        try:
            content = None if archive is None else archive.read_web_archive(digest) if ending else archive.read(digest)
        except Misbehaviour:
            raise Problem(500, "The bytes kept under this digest are no longer those that were captured.") from None
        if content is None:
            raise Problem(404, "These bytes are not kept here; the record holds their digest.")
        kind = WACZ_TYPE if ending else "application/octet-stream"
        headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=kind, headers=headers)

    return captured


def _check_shown(state: State, act: int | None) -> None:
    if state == "unknown":
        raise Problem(404, "No capture of these bytes is registered.")
    if state == "erased":
        raise Problem.by_act(410, "These bytes were erased; a signed statement says why.", act)
    if state != "shown":
        raise Problem.by_act(451, "These bytes are withheld; a signed statement says on which ground.", act)
