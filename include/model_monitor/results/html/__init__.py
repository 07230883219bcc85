"""How is it shown to a person? One self-contained page for each report: ``report.html``."""

from model_monitor.results.html.report import REPORT, report_page

__all__ = ["REPORT", "report_page"]
