"""Evidence on disk: what was found, with the bytes that let somebody else see it too, in a folder that can be sent.

    evidence/
      LÉAME.txt, README.txt        what this is, and how to check it without trusting whoever sends it
      report.json                  the whole report
      checkpoint                   the signed head that was audited
      001-fork/                    one folder for each finding, in the order of the report
        finding.txt                what it means, in Spanish and English, and where
        …                          the bytes, each in a file named after what it is

Nothing is overwritten: a folder that holds something already is refused, because evidence is not replaced.
"""

import re
from pathlib import Path

import msgspec

from api.screen import screen
from ledger.errors import CannotRun, reason
from projections.findings import Finding, Report

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_README_ES = """Evidencia de una auditoría de {origin}
{rule}

Cada carpeta tiene una falta: finding.txt dice qué significa y dónde está; los demás archivos son los bytes que la
prueban. No hace falta creerle a quien los envía:

* Una nota firmada (checkpoint, head, note) verifica con la llave de quien la firmó: la del registro y las de los
  testigos están en la política que usted tenga por buena; la de una declaración está dentro de ella.
* Dos cabezas firmadas de historias distintas (fork): ambas notas llevan la firma del registro. Si son del mismo tamaño,
  sus raíces difieren. Si no, «root at …» es la raíz que la cabeza nueva tenía con ese tamaño, «consistency proof …» lo
  demuestra (RFC 9162, sección 2.1.4.2), y no es la raíz de la cabeza anterior.
* Los formatos están en ledger/FORMAT.md y en c2sp.org: signed-note, tlog-checkpoint, tlog-tiles, tlog-proof.

report.json tiene el informe entero, también con los bytes (en base64).
"""

_README_EN = """Evidence of an audit of {origin}
{rule}

Each folder holds one finding: finding.txt says what it means and where it is; the other files are the bytes that prove
it. There is no need to believe whoever sends them:

* A signed note (checkpoint, head, note) verifies under the key of whoever signed it: the log's and the witnesses' are
  in the policy that you hold for good; that of a statement is inside it.
* Two signed heads of different histories (fork): both notes carry the log's signature. If they are of one size, their
  roots differ. If not, “root at …” is the root that the newer head had at that size, “consistency proof …” shows so
  (RFC 9162, section 2.1.4.2), and it is not the root of the older head.
* The formats are in ledger/FORMAT.md and at c2sp.org: signed-note, tlog-checkpoint, tlog-tiles, tlog-proof.

report.json has the whole report, the bytes too (in base64).
"""


def write_evidence(report: Report, folder: Path) -> None:
    """Write the evidence of all findings to a new folder. Raises CannotRun where there is something already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CannotRun(
                f"{folder} no está vacía, y una evidencia no se reemplaza.",
                f"{folder} is not empty, and evidence is not replaced.",
                "Dé otra carpeta con --evidence.",
                "Give another folder with --evidence.",
            )
        rule = "=" * (len("Evidencia de una auditoría de ") + len(report.origin))
        (folder / "LÉAME.txt").write_text(_README_ES.format(origin=report.origin, rule=rule), "utf-8")
        (folder / "README.txt").write_text(_README_EN.format(origin=report.origin, rule=rule), "utf-8")
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
        (folder / "checkpoint").write_text(report.checkpoint, "utf-8")
        for number, finding in enumerate(report.findings, 1):
            _write_finding(finding, folder / f"{number:03d}-{finding.kind}")
    except OSError as error:
        raise CannotRun(
            f"No se pudo escribir la evidencia en {folder}: {reason(error)[0]}.",
            f"The evidence could not be written to {folder}: {reason(error)[1]}.",
            "Dé otra carpeta con --evidence.",
            "Give another folder with --evidence.",
        ) from error
    screen.note(f"Evidencia en {folder} (LÉAME.txt).", f"Evidence in {folder} (README.txt).")


def _write_finding(finding: Finding, place: Path) -> None:
    place.mkdir()
    where = [f"index {finding.index}"] * (finding.index is not None) + [f"path {finding.path}"] * bool(finding.path)
    lines = [finding.kind, finding.es, finding.en, finding.detail, *where]
    (place / "finding.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for name, raw in finding.evidence.items():
        (place / evidence_name(name)).write_bytes(raw)


def evidence_name(name: str) -> str:
    """The name of the file for a piece of evidence: `tile/0/000` -> tile_0_000. Never another folder, never hidden."""
    return _UNSAFE.sub("_", name).lstrip(".") or "evidence"
