"""One ratio: what we reach, what it is divided by, and the goal. Both sides come from the same run."""

import statistics
from collections.abc import Callable

import msgspec

ROUNDS = 3


class Ratio(msgspec.Struct, frozen=True):
    """Rates are per second; `goal` is the least that `ours / peer` should be. `fair` says what to know about it."""

    name: str
    ours_is: str
    ours: float
    peer_is: str
    peer: float
    goal: float
    fair: str = ""

    @property
    def value(self) -> float:
        """How many times the peer's rate we reach."""
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        """Has the goal been reached?"""
        return self.value >= self.goal


class NotMeasured(Exception):
    """This machine cannot show the ratio; the message says why."""


def alternate(ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The rates of both sides, measured in turn, so that a busy moment of the machine strikes both.

    Gives the pair of the round whose ratio is the median: the two rates belong together.
    """
    pairs = [(ours(), peer()) for _ in range(rounds)]
    middle = statistics.median_low([left / right for left, right in pairs])
    return next(pair for pair in pairs if pair[0] / pair[1] == middle)
