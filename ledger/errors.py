"""The error tree of the record, on one page. Each error carries what convinces a third person.

    ConstanciaError                 everything that this software raises on purpose
    ├── Refused                     a statement that the record does not take: code, rule, detail
    ├── Misbehaviour                published bytes that an honest log cannot have published: proof of it
    └── CannotRun                   this machine, folder or setting does not let us work: what to do, in es and en

Anything else that escapes (ValueError, KeyError, AssertionError …) is a bug of ours. The public log formats in
`ledger.tlog` raise their own two errors (`Malformed`, `Unverified`); the code that calls them says what they mean
here: to a submitter a refusal, to an auditor a misbehaviour.

The codes of a refusal are for ever (programs act on them); their meaning stands in FORMAT.md.
"""

import errno
from collections.abc import Mapping


class ConstanciaError(Exception):
    """Everything that this software raises on purpose."""


# Code -> the HTTP answer that carries it. The first three groups are about meaning, the others about bytes.
STATUS_OF_CODE: Mapping[str, int] = {
    "role-scope": 403,
    "conflict-of-interest": 403,
    "import": 403,
    "unknown-key": 403,
    "revoked-key": 403,
    "state": 409,
    "closed": 409,
    "id-conflict": 409,
    "shape": 422,
    "unknown-ref": 422,
    "future": 422,
    "stale": 422,
    "bad-signature": 422,
    "wrong-origin": 422,
    "empty": 422,
    "bad-utf8": 422,
    "not-json": 422,
    "duplicate-key": 422,
    "float": 422,
    "int-range": 422,
    "too-deep": 422,
    "nul": 422,
    "not-canonical": 422,
    "encoding": 422,
    "weak-key": 422,
    "empty-text": 422,
    "digest-mismatch": 422,
    "too-large": 413,
    "media-type": 415,
    "rate-limit": 429,
    "busy": 503,
}


class Refused(ConstanciaError):
    """A statement that the record does not take.

    `code` is one of STATUS_OF_CODE; `rule` names what refused it (`A3`, `A8`, a kind's own rule such as
    `MechanismDefined`, or the section of FORMAT.md for bytes); `detail` is one plain sentence with the evidence.
    """

    def __init__(self, code: str, rule: str, detail: str) -> None:
        if code not in STATUS_OF_CODE:
            raise AssertionError(f"undocumented refusal code {code!r}")
        super().__init__(f"{code} ({rule}): {detail}")
        self.code = code
        self.rule = rule
        self.detail = detail

    @property
    def status(self) -> int:
        """The HTTP status that answers this refusal."""
        return STATUS_OF_CODE[self.code]


class Misbehaviour(ConstanciaError):
    """Published bytes that an honest log cannot have published.

    `kind` is a stable name (`bad-checkpoint`, `entry-altered`, `fork` …), `index` the leaf concerned and `path` the
    published file, as far as there is one; `evidence` holds the bytes that let a stranger see it too, by name. `reason`
    is the code of the check that failed below (of a FormatError or a Refused), where there was one.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        index: int | None = None,
        path: str | None = None,
        evidence: Mapping[str, bytes] | None = None,
        reason: str = "",
    ) -> None:
        where = [f"entry {index}"] if index is not None else []
        where += [path] if path is not None else []
        super().__init__(f"{kind}: {detail}" + (f" ({', '.join(where)})" if where else ""))
        self.kind = kind
        self.detail = detail
        self.index = index
        self.path = path
        self.evidence: Mapping[str, bytes] = dict(evidence or {})
        self.reason = reason


class CannotRun(ConstanciaError):
    """This machine, folder or setting does not let us work, and an operator or auditor has to do something about it.

    What is the matter and what to do next, each in Spanish (`es`, `advice_es`) and in English (`detail`, `advice`);
    people read either, logs and programs the English. What a library said stands in both as it came: it is evidence.
    """

    def __init__(self, es: str, en: str, advice_es: str = "", advice_en: str = "") -> None:
        # All four, because whatever copies or pickles an error makes it anew from its arguments.
        super().__init__(es, en, advice_es, advice_en)
        self.es = es
        self.detail = en
        self.advice_es = advice_es
        self.advice = advice_en

    def __str__(self) -> str:
        return f"{self.detail} {self.advice}".strip()


_REASONS = {
    errno.ENOENT: "no existe",
    errno.EACCES: "no hay permiso",
    errno.EPERM: "no hay permiso",
    errno.EISDIR: "es una carpeta",
    errno.ENOTDIR: "una parte de la ruta no es una carpeta",
    errno.EEXIST: "ya existe",
    errno.ENOSPC: "el disco está lleno",
    errno.EDQUOT: "se agotó el espacio asignado en el disco",
    errno.EFBIG: "el archivo es demasiado grande",
    errno.EROFS: "es de solo lectura",
    errno.EIO: "el disco falló al leer o escribir",
    errno.EMFILE: "hay demasiados archivos abiertos",
    errno.ENFILE: "hay demasiados archivos abiertos",
    errno.EADDRINUSE: "ya está en uso",
    errno.EADDRNOTAVAIL: "esta máquina no tiene esa dirección",
}


def reason(error: OSError) -> tuple[str, str]:
    """Why the machine refused, a clause in Spanish and one in English; its own words where we know no others."""
    english = (error.strerror or str(error)).lower()
    return _REASONS.get(error.errno or 0, english), english
