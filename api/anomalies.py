"""The anomalies of a plan in a view of the record, for pages and answers alike; those computed last are kept.

Of one root, one plan and one day they never change. They hold no text, but where texts stand.
"""

import threading
from collections import OrderedDict

from api.record import View
from projections.anomalies import Anomaly, anomalies_of

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


def with_repeated_text(view: View, plan: str) -> frozenset[str]:
    """The commitments that share text with another one."""
    found = [one for one in findings_of(view, plan) if one.rule == "text/repeated"]
    return frozenset([commitment for one in found for commitment in one.commitments])
