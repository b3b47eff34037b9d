"""Where published files are read from: what a reader types, as a `ledger.verify.Source`.

A word with a scheme is the address of a ledger, anything else a folder: that of a ledger, or its `public`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from api.operate import public_folder
from api.posting import ledger_url
from ledger.published import Folder

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.audit import Server


def is_url(where: str) -> bool:
    """Whether this is an address and not a folder."""
    return "://" in where


def open_source(where: str) -> "Source":
    """The published files at an address or in a folder. Raises Stop where there are none."""
    if is_url(where):
        from api.remote import RemoteLedger

        return RemoteLedger(ledger_url(where))
    return Folder(public_folder(Path(where)))


def open_server(where: str) -> "Server | None":
    """The running server to ask for its own state; a folder has none."""
    if is_url(where):
        from api.remote import RemoteLedger

        return RemoteLedger(ledger_url(where))
    return None
