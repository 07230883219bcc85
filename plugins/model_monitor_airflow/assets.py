"""What do other DAGs hear of a verdict? Each judged window is an event of an asset of its schedule."""

from __future__ import annotations

from airflow.sdk import Asset

HEALTHY, VIOLATED = "healthy", "violated"


def verdict_asset(endpoint: str, schedule: str, outcome: str) -> Asset:
    """The asset ``model-monitor://endpoint/schedule/outcome``; the outcome is ``HEALTHY`` or ``VIOLATED``.

    A DAG with ``schedule=[verdict_asset("flights", "flights-model-quality", VIOLATED)]`` runs after each such window.
    Its ``triggering_asset_events`` have the window's summary as their extra.
    """
    return Asset(f"model-monitor://{endpoint}/{schedule}/{outcome}")
