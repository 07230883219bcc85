"""Draw time against size, of all participants, from the JSON lines that ``run.py --write`` adds to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import altair as alt


def main(results: Path, picture: Path) -> None:
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    points = [{name: line[name] for name in ("participant", "rows", "processor")} for line in lines]
    chart = (
        alt.Chart(alt.InlineData(values=points), width=520, height=360)
        .mark_line(point=True)
        .encode(
            alt.X("rows:Q", scale=alt.Scale(type="log"), title="rows of 20 columns"),
            alt.Y("processor:Q", scale=alt.Scale(type="log"), title="seconds of the processor, beyond imports"),
            alt.Color("participant:N", title=None, scale=alt.Scale(scheme="tableau20")),
        )
    )
    chart.save(str(picture))


main(Path(sys.argv[1]), Path(sys.argv[2]))
