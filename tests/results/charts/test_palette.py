"""Can readers with any colour vision tell a chart's colours apart, on a light and on a dark page?

Colour vision is simulated by the matrices of Machado, Oliveira & Fernandes (2009) for a complete deficiency; distances
are CIE 1976's in Lab, where 2.3 is a difference that is just seen.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from model_monitor.results.charts.palette import COLOURS

VISION = {
    "trichromat": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "monochromat": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
MEET = [  # on one chart
    ("window", "baseline"),
    ("window", "violated"),
    ("violated", "healthy"),
    ("violated", "nothing"),
    ("healthy", "nothing"),
    ("window", "chance"),
    ("window", "allowed"),
    ("window", "alert"),
    ("violated", "allowed"),
    ("violated", "alert"),
]
CONTRASTS = {"ink": 7.0, "quiet": 4.5, "window": 3.0, "baseline": 3.0, "violated": 3.0, "healthy": 3.0, "nothing": 3.0}
HEAT = [f"heat{step}" for step in range(5)]
SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
sides = pytest.mark.parametrize("side", ["light", "dark"])


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = SRGB_TO_XYZ @ np.clip(rgb, 0, 1) / SRGB_TO_XYZ.sum(axis=1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(name: str, side: str, vision: str) -> np.ndarray:
    return lab(np.array(VISION[vision]) @ linear(getattr(COLOURS[name], side)))


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio, 1 to 21."""
    low, high = sorted(float(SRGB_TO_XYZ[1] @ linear(colour)) + 0.05 for colour in (one, other))
    return high / low


@sides
@pytest.mark.parametrize("vision", [name for name in VISION if name != "monochromat"])
@pytest.mark.parametrize("pair", [*MEET, *combinations(HEAT, 2)], ids="-".join)
def test_colours_that_meet_on_a_chart_are_told_apart(pair: tuple[str, str], side: str, vision: str) -> None:
    one, other = (seen(name, side, vision) for name in pair)
    assert np.linalg.norm(one - other) > 14


@sides
@pytest.mark.parametrize("vision", VISION)
def test_more_effect_stands_out_more_from_the_page_even_in_grey(side: str, vision: str) -> None:
    paper = seen("paper", side, vision)[0]
    steps = [abs(seen(name, side, vision)[0] - paper) for name in HEAT]
    assert all(more - less > 5 for less, more in pairwise(steps))


@sides
@pytest.mark.parametrize(
    ("name", "least"),
    [("ink", 7.0), ("quiet", 4.5)] + [(n, 3.0) for n in ("window", "baseline", "violated", "healthy")],
)
def test_text_and_marks_have_the_contrast_that_wcag_asks(name: str, least: float, side: str) -> None:
    assert contrast(getattr(COLOURS[name], side), getattr(COLOURS["paper"], side)) >= least
