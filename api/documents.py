"""Documents that statements name by their digest: what is consulted, the rules of moderation, methodologies, minutes.

An operator puts the files into `documents/` in the ledger's folder, under any name:

    GET /gt/documentos/<SHA-256 of the bytes>

A document is served under the digest of the very bytes that are sent, so what is read is what was signed for; changed
bytes have another address. Whether a document that a statement names is here is for its page to say: the record holds
the digest, and nothing depends on this folder.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

MAX_DOCUMENT = 32 * 1024 * 1024
MAX_DOCUMENTS = 1_000

# A browser shows plain text, in which nothing can run; anything else it saves.
_TYPES = {".txt": "text/plain", ".md": "text/plain", ".csv": "text/csv", ".pdf": "application/pdf"}


class Document(NamedTuple):
    """A document's bytes, and how a browser should take them: shown, or saved under its name."""

    name: str
    media_type: str
    shown: bool
    content: bytes


class Documents:
    """The documents of one ledger. Any thread may ask; the folder may change at any time."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not be there."""
        self._folder = folder
        self._digests: dict[tuple[str, int, int], str] = {}  # (name, size, time of change) -> digest

    def has(self, digest: str) -> bool:
        """Whether the document with this digest (64 hex digits) is here."""
        return self._find(digest) is not None

    def read(self, digest: str) -> Document | None:
        """The document with this digest, or None where there is none, or where its bytes have changed."""
        path = self._find(digest)
        try:
            content = path.read_bytes() if path else None
        except OSError:
            return None
        if path is None or content is None or sha256(content).hexdigest() != digest:
            return None
        media_type = _TYPES.get(path.suffix.lower(), "application/octet-stream")
        return Document(path.name, media_type, media_type == "text/plain", content)

    def _find(self, digest: str) -> Path | None:
        known: dict[tuple[str, int, int], str] = {}
        found: Path | None = None
        try:
            with os.scandir(self._folder) as listed:
                for entry in sorted(listed, key=lambda one: one.name)[:MAX_DOCUMENTS]:
                    stat = entry.stat(follow_symlinks=False)
                    if not entry.is_file(follow_symlinks=False) or stat.st_size > MAX_DOCUMENT:
                        continue
                    key = (entry.name, stat.st_size, stat.st_mtime_ns)
                    known[key] = self._digests.get(key) or sha256(Path(entry.path).read_bytes()).hexdigest()
                    if known[key] == digest:
                        found = Path(entry.path)
        except OSError:
            return None
        self._digests = known
        return found
