"""Where published files are read from: what a reader types, as a `ledger.verify.Source`.

A word with a scheme is the address of a ledger, anything else a folder: that of a ledger, or its `public`.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.operate import public_folder
from ledger.errors import CannotRun
from ledger.published import Folder

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.audit import Server

# `localhost:8000/gt`, `registro.example/gt`: an address without its scheme.
_ADDRESS = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9_-]+/?\Z")


@contextmanager
def reading(where: str) -> "Generator[tuple[Source, Server | None]]":
    """The published files at an address or in a folder, and the running server to ask for its own state (of a folder
    there is none). Raises CannotRun where there is no ledger, or it cannot be read."""
    if "://" in where:
        from api.remote import RemoteLedger

        with RemoteLedger(where) as remote:
            yield remote, remote
    else:
        if not Path(where).exists() and _ADDRESS.match(where):
            raise CannotRun(
                f"No hay ninguna carpeta {where}.",
                f"There is no folder {where}.",
                f"¿Quiso decir http://{where}?",
                f"Did you mean http://{where}?",
            )
        yield Folder(public_folder(Path(where))), None
