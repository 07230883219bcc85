"""What do other DAGs hear of a verdict? Each judged window is an event of an asset of its schedule."""

from __future__ import annotations

from airflow.sdk import Asset

HEALTHY, VIOLATED = "healthy", "violated"


def verdict_asset(endpoint: str, schedule: str, outcome: str) -> Asset:
    """The asset ``x-model-monitor://endpoint/schedule/outcome``; the outcome is ``HEALTHY`` or ``VIOLATED``.

    Airflow takes a URI that begins with ``x-`` as it is. For any other, each parse of a DAG file, so each task, imports
    the providers' hooks to see whether one of them knows the scheme: with Amazon's provider, a second.

    A DAG with ``schedule=[verdict_asset("flights", "flights-model-quality", VIOLATED)]`` runs after each such window.
    Its ``triggering_asset_events`` have the window's summary as their extra.
    """
    return Asset(f"x-model-monitor://{endpoint}/{schedule}/{outcome}")
