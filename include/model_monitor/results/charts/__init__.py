"""How is a number shown as a picture? Altair describes charts of plain data; ``svg`` and ``png`` draw them.

One description serves report, page and message. Altair is imported when a chart is made, not before.
"""

from model_monitor.results.charts.course import Point, Span, course
from model_monitor.results.charts.drawing import png, svg
from model_monitor.results.charts.heatmap import Cell, effect_of, heatmap
from model_monitor.results.charts.overlay import Bin, Category, bins_of, categories_of, overlay
from model_monitor.results.charts.palette import STYLE

__all__ = [
    "STYLE",
    "Bin",
    "Category",
    "Cell",
    "Point",
    "Span",
    "bins_of",
    "categories_of",
    "course",
    "effect_of",
    "heatmap",
    "overlay",
    "png",
    "svg",
]
