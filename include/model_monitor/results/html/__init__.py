"""How is it shown to a person? One self-contained page for each report and each baseline: ``report.html``."""

from model_monitor.results.html.baseline import baseline_page
from model_monitor.results.html.pictures import pictures_of, pictures_of_baseline
from model_monitor.results.html.report import REPORT, report_page

__all__ = ["REPORT", "baseline_page", "pictures_of", "pictures_of_baseline", "report_page"]
