"""The anomalies of a plan in a view of the record, for pages and answers alike; those computed last are kept.

Of one root, one plan and one day they never change. They hold no text, but where texts stand.
"""

import threading
from collections import OrderedDict

import msgspec

from api.record import View
from projections.anomalies import Anomaly, anomalies_of
from projections.comparison import Matrix
from projections.grading import CommitmentStanding

COPIED_TEXT = "copied_text"
"""The flag of a commitment that shares text with another: no fold tells it, it takes all texts of the plan."""

_KEPT: OrderedDict[tuple[str, bytes, str, str], tuple[Anomaly, ...]] = OrderedDict()
_LOCK = threading.Lock()
_MOST_KEPT = 8


def findings_of(view: View, plan: str) -> tuple[Anomaly, ...]:
    """The anomalies of a plan in a view, as of its day."""
    key = (view.ledger.origin, view.checkpoint.root, plan, view.day)
    with _LOCK:
        found = _KEPT.get(key)
    if found is None:
        found = anomalies_of(view.records, plan, view.size, view.day)
        with _LOCK:
            _KEPT[key] = found
            while len(_KEPT) > _MOST_KEPT:
                _KEPT.popitem(last=False)
    return found


def with_copies(view: View, matrix: Matrix) -> Matrix:
    """The matrix of a view with all flags: what shares text has one more than the folds give."""
    copied = _with_repeated_text(view, matrix.plan)
    rows = [msgspec.structs.replace(row, standing=_flagged(row.standing, copied)) for row in matrix.rows]
    return msgspec.structs.replace(matrix, rows=tuple(rows))


def with_copy(view: View, plan: str, standing: CommitmentStanding) -> CommitmentStanding:
    """The same of one commitment of a plan."""
    return _flagged(standing, _with_repeated_text(view, plan))


def _flagged(standing: CommitmentStanding, copied: frozenset[str]) -> CommitmentStanding:
    if standing.commitment not in copied:
        return standing
    return msgspec.structs.replace(standing, flags=(*standing.flags, COPIED_TEXT))


def _with_repeated_text(view: View, plan: str) -> frozenset[str]:
    """The commitments that share text with another one."""
    found = [one for one in findings_of(view, plan) if one.rule == "text/repeated"]
    return frozenset([commitment for one in found for commitment in one.commitments])
