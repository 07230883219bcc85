"""The form of the page *New monitor*: save the endpoint file that it shows."""

from __future__ import annotations

from model_monitor.dashboard.new_choices import Asked
from model_monitor.dashboard.new_monitor import save
from model_monitor.dashboard.visit import Visit


def save_file(visit: Visit, form: Asked) -> str:
    """The page about the saved file; the form again where there is something to change first."""
    if path := save(visit, form):
        return visit.links.page("/new", {"saved": path.stem})
    return visit.links.new(form.model_dump(exclude={"digest", "saved"}) | {"show": "trial"})
