"""Where published files are read from: what a reader types, as a `ledger.verify.Source`.

A word with a scheme is the address of a ledger, anything else a folder: that of a ledger, or its `public`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.operate import public_folder
from ledger.published import Folder

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.audit import Server


@contextmanager
def reading(where: str) -> "Generator[tuple[Source, Server | None]]":
    """The published files at an address or in a folder, and the running server to ask for its own state (of a folder
    there is none). Raises CannotRun where there is no ledger, or it cannot be read."""
    if "://" in where:
        from api.remote import RemoteLedger

        with RemoteLedger(where) as remote:
            yield remote, remote
    else:
        yield Folder(public_folder(Path(where))), None
