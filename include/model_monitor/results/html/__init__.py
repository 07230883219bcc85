"""How is it shown to a person? One self-contained page for each report and each baseline: ``report.html``."""

from model_monitor.results.html.baseline import baseline_page
from model_monitor.results.html.pictures import pictures_of, pictures_of_baseline
from model_monitor.results.html.report import REPORT, charts_in, policy_of, report_page, without_files

__all__ = [
    "REPORT",
    "baseline_page",
    "charts_in",
    "pictures_of",
    "pictures_of_baseline",
    "policy_of",
    "report_page",
    "without_files",
]
