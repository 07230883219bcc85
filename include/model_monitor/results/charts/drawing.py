"""A chart as SVG for pages or as PNG for messages; vl-convert draws it, no browser is needed.

The SVG is small, has the same bytes for the same chart, names itself for screen readers, asks for nothing, and takes
its colours from the page. Nothing in it is code: names and values are text.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

from model_monitor.results.charts.palette import COLOURS, HATCHED, PAPER, QUIET, VARIABLES

if TYPE_CHECKING:
    import altair as alt

P = ParamSpec("P")
Chart = TypeVar("Chart")

LINK = "https://chart/?"  # vl-convert leaves absolute addresses as they are; not in the picture
NOTE = 84  # characters of a line
SHARP = 1.5  # pixels of a picture for each of the chart
FONT = "Arial, Liberation Sans, sans-serif"
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
GROUP, HREF = f"{{{SVG}}}g", f"{{{XLINK}}}href"
DROPPED = ("class", "pointer-events", "role", "version", "font-family", "stroke-miterlimit", "aria-hidden", "style")
DEFAULTS = {("opacity", "1"), ("transform", "translate(0,0)"), ("stroke-width", "1"), ("text-anchor", "start")}
INHERITED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "text-anchor")
FRACTION = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
EMPTY_PATHS = {"", "M0,0h0v0h0Z"}


def can_draw() -> bool:
    """Whether Altair and vl-convert, the extra ``charts``, are installed."""
    return all(find_spec(name) for name in ("altair", "vl_convert"))


def unchecked(make: Callable[P, Chart]) -> Callable[P, Chart]:
    """A function that makes a chart, without Altair's check of each part against Vega-Lite's schema, which takes longer
    than to draw it; tests check an example of each chart."""

    @wraps(make)
    def making(*args: P.args, **kwargs: P.kwargs) -> Chart:
        from altair.utils.schemapi import debug_mode

        with debug_mode(False):
            return make(*args, **kwargs)

    return making


def svg(chart: alt.TopLevelMixin, key: str = "") -> str:
    """A chart as an SVG element for a page that has the palette's ``STYLE``.

    ``key`` makes its ids unique on a page that shows the same chart twice; charts that differ have different ones.
    """
    return drawn(chart, key, VARIABLES)


def png(chart: alt.TopLevelMixin) -> bytes:
    """A chart as a picture, in the colours of a light page."""
    import vl_convert

    light = {colour.light: colour.light for colour in COLOURS.values()}
    return bytes(vl_convert.svg_to_png(drawn(chart, "", light, background=PAPER), scale=SHARP))


def drawn(chart: alt.TopLevelMixin, key: str, colours: Mapping[str, str], background: str | None = None) -> str:
    import vl_convert

    specification: dict[str, Any] = harmless(specification_of(chart))
    text = vl_convert.vegalite_to_svg(specification)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(text)
    prefix = f"c{hashlib.sha256((key + text).encode()).hexdigest()[:8]}"
    tidy(root)
    rename(root, prefix)
    hatches = list(paint(root, prefix, colours))
    entitle(root, prefix, specification)
    if background:
        root.insert(0, element("rect", width="100%", height="100%", fill=background))
    if hatches:
        definitions = element("defs")
        definitions.extend(hatches)
        root.insert(0, definitions)
    root.attrib |= {"class": "chart", "font-family": FONT, "overflow": "visible"}
    return ET.tostring(root, "unicode")


@unchecked
def specification_of(chart: alt.TopLevelMixin) -> dict[str, Any]:
    return chart.to_dict(validate=False)


def harmless(value: Any) -> Any:
    """A specification without characters that are no text: a NUL would end the process within vl-convert."""
    if isinstance(value, str):
        return NO_TEXT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {harmless(name): harmless(one) for name, one in value.items()}
    return [harmless(one) for one in value] if isinstance(value, list) else value


def link_to(address: str) -> str | None:
    """An address on the same site as a chart's ``href``; None of another one, or of a scheme that is code.

    >>> link_to("/a?b=c"), link_to("javascript:alert(1)"), link_to("//elsewhere/a")
    ('https://chart/?%2Fa%3Fb%3Dc', None, None)
    """
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else LINK + quote(address, safe="")


def element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(f"{{{SVG}}}{tag}", attributes)


def tidy(node: ET.Element) -> None:
    """Leave out what changes no pixel, and digits that nobody sees; a mark's description becomes its tooltip."""
    words = clean(node)
    for child in list(node):
        tidy(child)
        if is_invisible(child):
            node.remove(child)
    hoist(node)
    for child in list(node):
        if child.tag == GROUP and not child.attrib:
            at = list(node).index(child)
            node[at : at + 1] = list(child)
    if words:
        title = element("title")
        title.text = words
        node.insert(0, title)


def clean(node: ET.Element) -> str | None:
    """Drop attributes that change no pixel; the description of a mark, None if it has none."""
    description = node.attrib.pop("aria-label", None)
    is_mark = node.attrib.get("role") == "graphics-symbol" and node.attrib.get("aria-roledescription") != "axis"
    node.attrib.pop("aria-roledescription", None)
    for name, value in list(node.attrib.items()):
        if name in DROPPED or (name, value) in DEFAULTS:
            del node.attrib[name]
        elif name not in ("id", HREF):
            node.set(name, FRACTION.sub(rounded, value))
    if link := node.attrib.pop(HREF, ""):
        node.set("href", unquote(link.partition(LINK)[2]))
    return description if is_mark else None


def hoist(group: ET.Element) -> None:
    """Write once what all parts of a group have in common."""
    for name in INHERITED if len(group) > 1 else ():
        values = {child.get(name) for child in group}
        if len(values) == 1 and None not in values:
            group.set(name, str(values.pop()))
            for child in group:
                del child.attrib[name]


def rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def is_invisible(node: ET.Element) -> bool:
    if node.tag == f"{{{SVG}}}path":
        is_unpainted = node.get("fill") in (None, "none") and node.get("stroke") in (None, "none")
        return node.get("d", "") in EMPTY_PATHS or node.get("display") == "none" or is_unpainted
    return node.tag == GROUP and len(node) == 0


def rename(root: ET.Element, prefix: str) -> None:
    """Give ids that no other chart on a page has."""
    names = {node.attrib["id"]: f"{prefix}-{i}" for i, node in enumerate(n for n in root.iter() if "id" in n.attrib)}
    for node in root.iter():
        if "id" in node.attrib:
            node.set("id", names[node.attrib["id"]])
        for name, value in node.attrib.items():
            if value.startswith("url(#"):
                node.set(name, f"url(#{names[value[5:-1]]})")


def paint(root: ET.Element, prefix: str, colours: Mapping[str, str]) -> Iterator[ET.Element]:
    """Replace the palette's colours by those of the page; the patterns of the hatchings that occur."""
    used = set()
    for node in root.iter():
        for name in ("fill", "stroke"):
            colour = node.attrib.get(name, "").lower()
            if colour in HATCHED:
                used.add(colour)
                node.set(name, f"url(#{prefix}-{HATCHED[colour]})")
            elif colour:
                node.set(name, colours.get(colour, colour))
    for colour in sorted(used):
        name = HATCHED[colour]
        pattern = element("pattern", id=f"{prefix}-{name}", width="5", height="5", patternUnits="userSpaceOnUse")
        pattern.append(element("path", d="M-1,6L6,-1M-1,1L1,-1M4,6L6,4", stroke=colours[COLOURS[name].light]))
        yield pattern


def entitle(root: ET.Element, prefix: str, specification: Mapping[str, Any]) -> None:
    """Name the picture, and say in words what is to be seen. A picture with links is a group of them, else an image."""
    title = specification.get("title", "")
    words = {"title": title["text"] if isinstance(title, dict) else title, "desc": specification.get("description", "")}
    for place, (tag, text) in enumerate(words.items()):
        node = element(tag, id=f"{prefix}-{tag}")
        node.text = text
        root.insert(place, node)
    root.set("role", "group" if root.find(f".//{{{SVG}}}a") is not None else "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")


def dressed(chart: Any, title: str, note: str, description: str) -> Any:
    """A chart with a title, a quiet line below it, words for screen readers, and the fonts and lines of all charts."""
    import altair as alt

    return (
        chart.properties(
            title=alt.TitleParams(text=title, subtitle=textwrap.wrap(note, NOTE) or alt.Undefined),
            description=description,
            background="transparent",
            padding={"left": 16, "right": 12, "top": 4, "bottom": 4},
        )
        .configure_view(stroke=None)
        .configure_title(
            anchor="start", fontSize=13, color=COLOURS["ink"].light, subtitleColor=QUIET, subtitleFontSize=11, offset=8
        )
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=11,
            gridColor=COLOURS["grid"].light,
            domainColor=QUIET,
            tickColor=QUIET,
            labelLimit=200,
        )
        .configure_header(labelColor=QUIET, labelFontSize=11, title=None)
        .configure_text(color=COLOURS["ink"].light, fontSize=11)
    )
