"""States: what is remembered of rows. Each kind has an empty value, ``+`` and a bounded size.

``Counts`` how often each value, ``Moments`` mean and spread, ``Quantiles`` the shape of a distribution, ``Distinct``
how many different values, ``Scores`` how often each probability, ``Comoments`` how numbers vary together,
``Sample`` some of the rows. A ``Record`` of states is a state, a ``Keyed`` map of states is a state.
"""

from model_monitor.core.states.base import Keyed, Packed, Record, State, dump, load, total
from model_monitor.core.states.comoments import Comoments
from model_monitor.core.states.counts import Counts
from model_monitor.core.states.distinct import Distinct
from model_monitor.core.states.moments import Moments
from model_monitor.core.states.quantiles import Quantiles
from model_monitor.core.states.sample import Sample
from model_monitor.core.states.scores import Scores

__all__ = [
    "Comoments",
    "Counts",
    "Distinct",
    "Keyed",
    "Moments",
    "Packed",
    "Quantiles",
    "Record",
    "Sample",
    "Scores",
    "State",
    "dump",
    "load",
    "total",
]
