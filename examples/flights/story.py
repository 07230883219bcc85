"""What did the demo find? The reports in its store as tables for a terminal, and what they mean."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

from model_monitor.__main__ import main as model_monitor

PROJECT = Path(__file__).resolve().parents[2]
ENDPOINT = PROJECT / "examples/flights/endpoints/flights.yaml"
DEMO = PROJECT / ".demo"
STORE = DEMO / "store"
MONITORING = STORE / "monitoring"

DATA, QUALITY = "flights-data-quality", "flights-model-quality"  # the schedules
BIAS, ATTRIBUTION = "flights-bias", "flights-attribution"
RULES = "flights-rules"
SHOWN = 4  # features, of nine

Execution = dict[str, Any]
Finding = dict[str, Any]


def folders(schedule: str) -> list[Path]:
    """The report of each window, in the order of time."""
    return sorted(path.parent for path in MONITORING.glob(f"flights/{schedule}/**/execution.json"))


def reports(schedule: str) -> list[Execution]:
    """What came of each window, in the order of time."""
    return [read(folder / "execution.json") for folder in folders(schedule)]


def history(schedule: str, end: datetime) -> list[Execution]:
    """All that was ever reported of the window that ended at a time, by how far its labels had come."""
    found = MONITORING.glob(f"_as_of/flights/{schedule}/{end:%Y/%m/%d/%H}/*/execution.json")
    return sorted(map(read, found), key=lambda execution: execution["labels"]["as_of"])


def published(schedule: str) -> Path:
    """The folder of the baseline that a schedule judges against."""
    versions = MONITORING / "_baselines/flights" / schedule
    return versions / str(read(versions / "published.json")["version"])


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def show_windows(schedule: str, about: str, *more: str) -> None:
    """What `model-monitor history` prints of a schedule, and what it means."""
    print(
        f"\n$ {' '.join(['model-monitor history', str(ENDPOINT.relative_to(PROJECT)), '--schedule', schedule, *more])}"
    )
    model_monitor(["history", str(ENDPOINT), "--schedule", schedule, *more])
    print(about)


def show_history(executions: list[Execution]) -> None:
    """A line per time that a week was judged."""
    print(f"\n{'week from':<10} {'labels until':<16} {'with label':<20} {'auc':<6} {'recall':<6} violations labels")
    for execution in executions:
        labels = execution["labels"]
        counted = f"{labels['matched']} of {labels['requests']}, {share(labels)}"
        print(
            f"{start(execution):<10} {labels['as_of'][:16].replace('T', ' '):<16} {counted:<20} "
            f"{metric(execution, 'auc'):<6} {metric(execution, 'recall'):<6} {execution['violations']:>10} "
            f"{labels['state']}"
        )
    print(ABOUT_HISTORY)


def show_features(reported: list[Path], baseline: Path) -> None:
    """A line per week, below one of the baseline: how far the features that matter most move the answers."""
    known = attributions(baseline)["global_shap_values"]
    features = sorted(known, key=known.__getitem__, reverse=True)[:SHOWN]
    print(f"\n{'':<44}how far a feature moves the probability, on average")
    print(f"{'week from':<10} {'explained':>9}  {'ndcg':<6} {'95 % interval':<14}  {'  '.join(features)}")
    print(f"{'(baseline)':<10} {item_count(baseline):>9}  {'':<6} {'':<14}  {line_of(known, features)}")
    for folder in reported:
        execution, found = read(folder / "execution.json"), attributions(folder)
        interval = " to ".join(f"{end:.3f}" for end in found["drift"]["interval"])
        print(
            f"{start(execution):<10} {execution['explained']['rows']:>9}  {number(execution['findings'][0]):<6} "
            f"{interval:<14}  {line_of(found['global_shap_values'], features)}"
        )
    print(ABOUT_FEATURES)


def show_rules(reported: list[Path]) -> None:
    """A line per week: how many rules hold, and which one does not."""
    print(f"\n{'week from':<10} {'flights':>7} {'rules that hold':>15}  broken")
    for folder in reported:
        execution, found = read(folder / "execution.json"), execution_violations(folder)
        findings = execution["findings"]
        kept = f"{sum(f['outcome'] == 'holds' for f in findings)} of {len(findings)}"
        print(f"{start(execution):<10} {execution['counts']['judged']:>7} {kept:>15}  {'; '.join(found)}".rstrip())
    print(ABOUT_RULES)


def show_mails(mails: Sequence[EmailMessage]) -> None:
    """The mails that people got, one after the other."""
    print(f"\n{len(mails)} mails came, in {(DEMO / 'mailbox').relative_to(PROJECT)}:")
    for mail in mails:
        body = mail.get_body(("plain", "html"))
        text = unescape(re.sub(r"<[^>]+>", "", body.get_content())) if body else ""
        charts = [part.get_filename() for part in mail.iter_attachments()]
        print(f"\n  To: {mail['To']}\n  Subject: {mail['Subject']}")
        print(textwrap.indent(text.strip(), "  | "))
        print(f"  attached: {', '.join(map(str, charts)) or 'nothing'}")
    print(ABOUT_MAILS)


def execution_violations(folder: Path) -> list[str]:
    """What a window violates, in the rules' words."""
    return [violation["description"] for violation in read(folder / "constraint_violations.json")["violations"]]


def line_of(values: dict[str, float], features: list[str]) -> str:
    return "  ".join(f"{values[name]:<{len(name)}.3f}" for name in features).rstrip()


def item_count(baseline: Path) -> int:
    """How many rows a baseline was learned from."""
    return int(read(baseline / "analysis.json")["item_count"])


def attributions(folder: Path) -> Any:
    """What a folder's file says of the model's only output."""
    return read(folder / "analysis.json")["explanations"]["kernel_shap"]["label0"]


def start(execution: Execution) -> str:
    return str(execution["window"]["start"])[:10]


def share(labels: dict[str, Any]) -> str:
    return f"{100 * labels['coverage']:.1f} %"


def metric(execution: Execution, name: str) -> str:
    """A metric of all flights."""
    found = [f for f in execution["findings"] if f["measure"] == name and not f["segment"]]
    return number(found[0]) if found else "-"


def number(finding: Finding) -> str:
    """With three decimals, and an exclamation mark where it is a violation."""
    if finding["observed"] is None:
        return "-"
    return f"{finding['observed']:.3f}{'!' * (finding['outcome'] == 'violated')}"


ABOUT_DAYS = """
What happened: in winter the airlines plan more time than the flight needs. From 2 April they take it back, and
`schedule_buffer_percent`, a feature of the model, is no longer spread as it was when the model was trained.
"""

ABOUT_WEEKS = """
What happened: from 5 April the model tells late flights from others less well than those that were held out of its
training (auc), and a week later it finds fewer of them (recall). The week of 8 March comes close: on that day, in the
snow, three of four flights were late whatever it said.

Only these two are judged (`judge` in the endpoint's file): precision, accuracy and what follows from them also change
with how many flights are late, however good the model is.

At a week's end, flights still in the air have no label, nor those of an airline that tells at noon. So the last week is
provisional. The others were judged when all that had come, and are final. A cancelled flight never has a label.
"""

ABOUT_HISTORY = """
The DAG `late_labels` found that labels had come for the last week and had it judged again, and once more, two days
after its end, when it became final. All three reports are kept.
"""

ABOUT_GROUPS = """
DI is how often the flights of a group are called late, compared with all others. RD is the share of the others' late
flights that are found, less that of the group's.

What is seen: no violation, and yet the groups are far from treated alike. In winter, flights of regional airlines
(9E, EV, MQ, OO, YV) were late 1.6 times as often as others, and the model called them late four times as often. In
spring it is three times. The monitor says that this did not grow, not that it is fair: what was there from the start is
in the baseline. From 29 March on, flights from LaGuardia are called late more often than before. That is nearer to all
others, so it is no violation either.

Three of 21 metrics are judged (`judge` in the endpoint's file), the others are in each report. Generalized entropy,
which does not look at groups, would be violated in the three weeks with the most late flights, and no other at all.
"""

ABOUT_FEATURES = """
What is seen: the model listens to the same features in the same order. In three weeks carrier and hour of departure,
which matter about as much, change places, and NDCG is 0.971 instead of 1; of 100 flights that is no more than chance.
`schedule_buffer_percent` moves the answers up to twice as far as in winter but stays fourth, and NDCG is about the
order. Whether the answers are right it does not tell: they got worse with the same features in front.
"""

ABOUT_RULES = """
What is seen: each week some fifty airliners are listed with fewer than 20 seats, many with two. The registry has
another, small aircraft by their tail numbers by now. The model takes these seats as they are. No baseline tells that,
as it was so from the start; a rule does.
"""

ABOUT_MAILS = """
What happened: of 49 days and 7 weeks, two were told: the day on which the traffic changed, and the week from which on
the answers got worse. What came after belongs to the same two incidents, which are still open:
`model-monitor alerts list examples/flights/endpoints/flights.yaml` shows them.
"""

LOOK_NEXT = f"""Look next at
  make ui                                   Airflow with all these runs, on http://127.0.0.1:8080, or: make ui PORT=8090
                                            its entry Models shows which model is ill, and since when
  {MONITORING.relative_to(PROJECT)}/flights/{DATA}/2013/04/03/00/
                                            the report of 2 April: report.html for people, and all its numbers
  {MONITORING.relative_to(PROJECT)}/_as_of/flights/{QUALITY}/2013/04/19/00/
                                            what was reported of the last week, each time
  {MONITORING.relative_to(PROJECT)}/_baselines/flights/{BIAS}/
                                            how the groups were treated from the start: analysis.json
  {MONITORING.relative_to(PROJECT)}/flights/{RULES}/2013/04/19/00/
                                            data_docs.html: the page of Great Expectations about the last week
  examples/flights/endpoints/flights.yaml   all that was set to monitor this endpoint
"""
