"""Does the monitoring catch a real model's drift? Airflow judges seven weeks of flights.

Day by day: do the flights still look as they did when the model was trained? Week by week: are its answers still as
good, now that the flights have landed? And again, when the last labels have come. Are they as good for each airport and
for regional airlines as for the others? And do they still come from the same features? Who was told of what?

Writes everything into ``.demo``: the traffic and the reports into ``store``, Airflow's own files into ``airflow``,
mails into ``mailbox``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import story

sys.path.insert(0, str(story.PROJECT / "scripts"))

from mailbox import Mailbox, mailbox

from airflow_api import LocalAirflowError
from local_airflow import LocalAirflow

TRAFFIC = story.PROJECT / "examples/flights/traffic.py"
FIRST_DAY = datetime(2013, 3, 1, tzinfo=UTC)
DAYS = 49
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
END = FIRST_DAY + DAYS * DAY
# Several windows are judged at once, in any order. Of each of these schedules people are told, so the first window with
# violations is judged after those before it and before those after it: then its message says since when, and its chart
# shows how it came.
LENGTHS = {story.DATA: DAY, story.QUALITY: WEEK}
FIRST_BAD = {story.DATA: datetime(2013, 4, 2, tzinfo=UTC), story.QUALITY: datetime(2013, 4, 5, tzinfo=UTC)}

TELL = {"tell": True}  # people, of windows that are past; only two schedules have somebody to tell
LATE_LABELS = "late_labels"
LOOKS = [END + timedelta(hours=13), END + timedelta(hours=49)]  # when late labels are looked for

SETTINGS = {
    # It is 2013 here: what Airflow would start by today's clock, it is asked to start as if the time had come.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",  # seconds; each look costs a tenth of a second
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",  # seconds; nobody edits a file meanwhile
}

Say = Callable[[str], None]
Span = tuple[datetime, datetime, timedelta]  # from, until, and the length of a window


def main() -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    shutil.rmtree(story.DEMO, ignore_errors=True)
    os.environ["MODEL_MONITOR_STORE"] = str(story.STORE)
    say("training a model on January and February, and replaying the seven weeks after as captured traffic")
    try:
        # Traffic is written while Airflow starts.
        with (
            subprocess.Popen(traffic(), stdout=subprocess.PIPE, text=True) as writing,
            mailbox(story.DEMO / "mailbox") as box,
            LocalAirflow(story.DEMO / "airflow", story.PROJECT, say=say, environment=environment(box)) as airflow,
        ):
            told(writing, say)
            names = (story.DATA, story.QUALITY, story.BIAS, story.ATTRIBUTION)
            airflow.wait_for_dags(*names, *(f"{name}-baseline" for name in names), story.RULES, LATE_LABELS)
            learn(airflow, say, *names)
            judge_days_and_weeks(airflow, say)
            judge_again(airflow, say)
            judge_the_others(airflow, say)
            story.show_mails(box.mails)
    except LocalAirflowError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    print(story.LOOK_NEXT)
    return 0


def judge_days_and_weeks(airflow: LocalAirflow, say: Say) -> None:
    """Does each day's traffic look as it did in January and February? Are each week's answers as good as those to the
    flights that were held out of training?"""
    say(f"judging {' and '.join(LENGTHS)}")
    days, weeks = (parts(schedule) for schedule in LENGTHS)
    judge(airflow, {story.DATA: days[0]})  # alone: it collects the rows that the weeks read
    begin(airflow, story.ATTRIBUTION, story.RULES)  # they need no labels, and fill the cores meanwhile
    judge(airflow, {story.DATA: days[1], story.QUALITY: weeks[0]})
    judge(airflow, {story.DATA: days[2], story.QUALITY: weeks[1]})
    judge(airflow, {story.QUALITY: weeks[2]})
    story.show_windows(story.DATA, story.ABOUT_DAYS)
    story.show_windows(story.QUALITY, story.ABOUT_WEEKS)


def judge_again(airflow: LocalAirflow, say: Say) -> None:
    """How does the last week look when the labels have come that it was judged without?"""
    say("writing the labels that came after the last week's end")
    with subprocess.Popen(traffic("--later"), stdout=subprocess.PIPE, text=True) as writing:
        told(writing, say)
    airflow.unpause(LATE_LABELS)
    for now in LOOKS:
        say(f"running {LATE_LABELS} as if it were {now:%Y-%m-%d %H:%M}")
        known = run_ids(airflow)
        run = airflow.trigger(LATE_LABELS, {"now": now.isoformat()})
        succeeded(airflow.wait_for_run(LATE_LABELS, run))
        for started in sorted(run_ids(airflow) - known):
            say(f"it started {started}")
        succeeded(*airflow.wait_until_idle(story.QUALITY))
    story.show_history(story.history(story.QUALITY, END))


def judge_the_others(airflow: LocalAirflow, say: Say) -> None:
    """Are the answers as good for some flights as for others, which features move them, and do the flights keep to what
    must hold of them? The groups are compared by all labels that have come."""
    others = (story.BIAS, story.ATTRIBUTION, story.RULES)
    say(f"judging {', '.join(others)}")
    begin(airflow, story.BIAS)
    for schedule in others:
        succeeded(*airflow.wait_for_runs(schedule, DAYS * DAY // WEEK))
    story.show_windows(story.BIAS, story.ABOUT_GROUPS, "--metric", "DI", "RD")
    story.show_features(story.folders(story.ATTRIBUTION), story.published(story.ATTRIBUTION))
    story.show_rules(story.folders(story.RULES))


def environment(box: Mailbox) -> dict[str, str]:
    """What Airflow is started with: the demo's endpoint alone, and its connection to the mailbox."""
    return {
        **SETTINGS,
        "MODEL_MONITOR_ENDPOINTS": str(story.ENDPOINT.parent),
        "AIRFLOW_CONN_FLIGHTS_MAIL": box.connection,
    }


def run_ids(airflow: LocalAirflow) -> set[str]:
    return {run["dag_run_id"] for run in airflow.runs(story.QUALITY)}


def learn(airflow: LocalAirflow, say: Say, *schedules: str) -> None:
    """Make the baselines of some schedules."""
    say(f"learning the baseline of {' and of '.join(schedules)}")
    names = [f"{schedule}-baseline" for schedule in schedules]
    for name in names:
        airflow.unpause(name)
    runs = [(name, airflow.trigger(name)) for name in names]
    succeeded(*(airflow.wait_for_run(name, run) for name, run in runs))


def parts(schedule: str) -> list[Span]:
    """The windows of a schedule before the first bad one, that one, and those after it."""
    bad, length = FIRST_BAD[schedule], LENGTHS[schedule]
    return [(FIRST_DAY, bad, length), (bad, bad + length, length), (bad + length, END, length)]


def begin(airflow: LocalAirflow, *schedules: str) -> None:
    """Start to judge all weeks of some schedules, two at once of each."""
    for schedule in schedules:
        airflow.unpause(schedule)
        airflow.backfill(schedule, FIRST_DAY.isoformat(), (END - WEEK).isoformat(), max_active_runs=2, conf=TELL)


def judge(airflow: LocalAirflow, spans: Mapping[str, Span]) -> None:
    """Judge the windows of some schedules from one time until another, so long each, and tell people of them."""
    known = {schedule: len(airflow.runs(schedule)) for schedule in spans}
    for schedule, (since, until, length) in spans.items():
        airflow.unpause(schedule)
        if until - since > length:
            airflow.backfill(schedule, since.isoformat(), (until - length).isoformat(), conf=TELL)
        else:
            airflow.trigger(schedule, {"window_start": since.isoformat(), "window_end": until.isoformat()} | TELL)
    for schedule, (since, until, length) in spans.items():
        succeeded(*airflow.wait_for_runs(schedule, known[schedule] + (until - since) // length))


def succeeded(*states: str) -> None:
    """Raises LocalAirflowError if one of the states that runs ended in is another."""
    if set(states) != {"success"}:
        raise LocalAirflowError(f"runs ended as {', '.join(sorted(states))}; see {story.DEMO / 'airflow/logs'}")


def traffic(*more: str) -> list[str]:
    return [sys.executable, str(TRAFFIC), "--store", str(story.STORE), "--days", str(DAYS), *more]


def told(writing: subprocess.Popen[str], say: Say) -> None:
    """Wait for the traffic, and repeat what its writer says."""
    lines, _ = writing.communicate()
    for line in lines.splitlines():
        say(line)
    if writing.returncode:
        raise LocalAirflowError(f"{TRAFFIC} ended with {writing.returncode}")


if __name__ == "__main__":
    sys.exit(main())
