"""The anomalies of a plan in a view of the record, for pages and answers alike; those computed last are kept.

Of one root, one plan and one day they never change. They hold no text, but where texts stand.
"""

import threading
from collections import OrderedDict
from datetime import date

from api.record import View
from projections.anomalies import Anomaly, anomalies_of

_KEPT: OrderedDict[tuple[str, bytes, str, str], tuple[Anomaly, ...]] = OrderedDict()
_LOCK = threading.Lock()
_MOST_KEPT = 8


def day_of_reading(view: View, asked: str | None) -> str:
    """The day for which a page is computed: the one that was asked for, or that of the view's last entry."""
    try:
        return (
            date.fromisoformat(asked).isoformat() if asked and len(asked) == 10 else view.ledger.day_of(view.as_of_ms)
        )
    except ValueError:
        return view.ledger.day_of(view.as_of_ms)


def findings_of(view: View, plan: str, day: str) -> tuple[Anomaly, ...]:
    """The anomalies of a plan in a view. Those computed last are kept: of one root and day they never change."""
    key = (view.ledger.origin, view.checkpoint.root, plan, day)
    with _LOCK:
        found = _KEPT.get(key)
    if found is None:
        found = anomalies_of(view.records, plan, view.size, day)
        with _LOCK:
            _KEPT[key] = found
            while len(_KEPT) > _MOST_KEPT:
                _KEPT.popitem(last=False)
    return found
