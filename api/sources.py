"""Where published files are read from: what a reader types, as a `ledger.verify.Source`.

A word with a scheme is the address of a ledger, anything else a folder: that of a ledger, or its `public`.
"""

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.operate import public_folder
from ledger.errors import CannotRun
from ledger.published import Folder, is_published_path

if TYPE_CHECKING:
    from ledger.verify import Source
    from projections.audit import Server

# `localhost:8000/gt`, `registro.example/gt`: an address without its scheme.
_ADDRESS = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9_-]+/?\Z")


@contextmanager
def reading(where: str, files: Path | None = None) -> "Generator[tuple[Source, Server | None]]":
    """The published files at an address or in a folder, and the running server to ask for its own state (of a folder
    there is none).

    Full tiles and bundles that come over the network are kept below `files`, if given: they never change, so nobody
    needs to send them twice. Raises CannotRun where there is no ledger, or it cannot be read.
    """
    if "://" in where:
        from api.remote import RemoteLedger

        with RemoteLedger(where, files=files) as remote:
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


def forget(files: Path, paths: Iterable[str]) -> None:
    """Remove published files from those that were kept on disk."""
    for path in paths:
        if is_published_path(path):
            (files / path).unlink(missing_ok=True)
