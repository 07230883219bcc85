"""An endpoint file, and hostile ones: what a person may write by mistake, or somebody on purpose."""

from __future__ import annotations

GOOD = """\
endpoint: churn
capture: {uri: capture}
columns: {outputs: [p], inputs: [a, b]}
output: out
retention_days: 40
schedules:
  - name: dq
    monitor: data_quality
    cron: "0 * * * *"
    window: P1D
    delay: PT5M
    start_date: 2026-01-01
    end_date: 2026-12-31
    options: {false_alarm_budget: 0.02}
    baseline: {dataset: b.csv}
"""
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
)
HOSTILE = {
    "no such month": GOOD.replace("2026-01-01", "2026-13-01"),
    "no such day": GOOD.replace("2026-01-01", "2026-02-30"),
    "an end that overflows": GOOD.replace("2026-12-31", "9999-12-31"),
    "a start that overflows": GOOD.replace("2026-01-01", "0001-01-01"),
    "a window of centuries": GOOD.replace("P1D", "P999999D"),
    "a delay of centuries": GOOD.replace("PT5M", "P999999D"),
    "a day that never comes": GOOD.replace("0 * * * *", "0 0 30 2 *"),
    "tag of python": GOOD + "x: !!python/object/apply:os.system [true]\n",
    "tag of a number": GOOD + "x: !!int foo\n",
    "tag of a time": GOOD + "x: !!timestamp x\n",
    "tag of no float": GOOD + 'x: !!float ""\n',
    "tag of bytes": GOOD + "x: !!binary é\n",
    "list as key": GOOD + "? [a]\n: b\n",
    "alias of itself": GOOD + "x: &x [*x]\n",
    "aliases of aliases": GOOD + ALIASES,
    "merge of a number": GOOD + "<<: 5\n",
    "repeated key": GOOD + "output: elsewhere\n",
    "two documents": GOOD + "---\n" + GOOD,
    "nested lists": GOOD + "x: " + "[" * 100_000,
    "nested dashes": "- " * 100_000,
    "surrogate": GOOD + 'x: "\\ud800"\n',
    "control characters": GOOD + "x: \x01\n",
    "monitor of dots": GOOD.replace("data_quality", ".."),
    "monitor of nothing": GOOD.replace("data_quality", '"."'),
    "options of a list": GOOD.replace("{false_alarm_budget: 0.02}", "[1]"),
    "infinite days": GOOD.replace("retention_days: 40", "retention_days: .inf"),
    "enormous number": GOOD.replace("retention_days: 40", f"retention_days: {'9' * 5000}"),
    "null": "null",
    "empty": "",
    "number": "5",
    "huge": GOOD + "# " + "x" * (1 << 20),
}
