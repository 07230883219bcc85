"""Which pages are there, and how is one drawn?"""

from __future__ import annotations

from model_monitor.dashboard.alerts import alerts
from model_monitor.dashboard.baselines import baselines
from model_monitor.dashboard.column import column
from model_monitor.dashboard.drawing import environment
from model_monitor.dashboard.endpoint import endpoint
from model_monitor.dashboard.execution import execution
from model_monitor.dashboard.executions import executions
from model_monitor.dashboard.kept_charts import charts
from model_monitor.dashboard.metric import metric
from model_monitor.dashboard.models import models
from model_monitor.dashboard.new_monitor import new_monitor
from model_monitor.dashboard.page import File, Page, Shown
from model_monitor.dashboard.reports import baseline_report, window_report
from model_monitor.dashboard.visit import Visit

PAGES: tuple[Page, ...] = (
    Page("models", "/", models, "models.html.j2", label="Models"),
    Page("column", "/endpoints/{endpoint}/column", column, "column.html.j2"),
    Page("metric", "/endpoints/{endpoint}/metric", metric, "metric.html.j2"),
    Page("charts", "/charts", charts, "charts.html.j2", label="Charts"),
    Page("baselines", "/endpoints/{endpoint}/baselines/{schedule}", baselines, "baselines.html.j2"),
    Page("endpoint", "/endpoints/{endpoint}", endpoint, "endpoint.html.j2"),
    Page("executions", "/executions", executions, "executions.html.j2", label="Executions"),
    Page("execution", "/endpoints/{endpoint}/executions/{schedule}/{start}/{end}", execution, "execution.html.j2"),
    Page("alerts", "/alerts", alerts, "alerts.html.j2", label="Alerts"),
    Page("new", "/new", new_monitor, "new.html.j2", label="New monitor", adds=True),
)

FILES: tuple[File, ...] = (
    File("report", "/endpoints/{endpoint}/executions/{schedule}/{start}/{end}/report.html", window_report),
    File("baseline_report", "/endpoints/{endpoint}/baselines/{schedule}/report.html", baseline_report),
)


def html(page: Page, shown: Shown, visit: Visit) -> str:
    """A page as text."""
    template = environment().get_template(page.template)
    return template.render(shown=shown, here=page.name, **surroundings(visit))


def notice(visit: Visit, heading: str, sentence: str) -> str:
    """A page that says only why there is no other."""
    template = environment().get_template("notice.html.j2")
    return template.render(heading=heading, sentence=sentence, here="", **surroundings(visit))


def surroundings(visit: Visit) -> dict[str, object]:
    """What every template knows."""
    pages = [page for page in PAGES if page.label and (visit.viewer.may_add or not page.adds)]
    navigation = [(page.name, page.label, visit.links.page(page.path)) for page in pages]
    return {"links": visit.links, "viewer": visit.viewer, "now": visit.now, "navigation": navigation}
