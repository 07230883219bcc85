"""How is a number shown as a picture? Altair describes charts of plain data; ``svg`` and ``png`` draw them.

One description serves report, page and message. Altair is imported when a chart is made, not before.
"""

from model_monitor.results.charts.bias import Facet, bias
from model_monitor.results.charts.course import Point, Span, chance_of, course
from model_monitor.results.charts.drawing import can_draw, png, svg
from model_monitor.results.charts.heatmap import Cell, effect_of, heatmap
from model_monitor.results.charts.overlay import Bin, Category, bins_of, categories_of, overlay
from model_monitor.results.charts.palette import STYLE
from model_monitor.results.charts.quality import Promise, calibration, confusion, precision_recall, roc
from model_monitor.results.charts.quantiles import Shift, quantile_shift, shifts_of
from model_monitor.results.charts.ranks import ranks
from model_monitor.results.charts.strip import Told, strip

__all__ = [
    "STYLE",
    "Bin",
    "Category",
    "Cell",
    "Facet",
    "Point",
    "Promise",
    "Shift",
    "Span",
    "Told",
    "bias",
    "bins_of",
    "calibration",
    "can_draw",
    "categories_of",
    "chance_of",
    "confusion",
    "course",
    "effect_of",
    "heatmap",
    "overlay",
    "png",
    "precision_recall",
    "quantile_shift",
    "ranks",
    "roc",
    "shifts_of",
    "strip",
    "svg",
]
