"""In one sentence: which past windows was a window judged beside?"""

from __future__ import annotations

from model_monitor.results.documents.protocol import Document

PAST_WINDOWS = "past_windows"  # of an ``execution.json``: how many tell what chance does, and how many are needed


def learned(windows: int, needed: int, is_required: bool) -> Document:
    """The entry of ``execution.json``; ``is_required``: without enough windows nothing is judged by chance. Fewer than
    enough are not counted: they change nothing, and a report should not tell in which order windows were judged."""
    known = windows if windows >= needed else 0
    return {PAST_WINDOWS: {"windows": known, "needed": needed, "required": is_required}}


def judged_beside(execution: Document) -> str:
    """What an ``execution.json`` tells of it; "" if its schedule does not look at past windows, or nothing was judged.

    >>> judged_beside(learned(34, 20, False) | {"references": [{"name": "same_hour", "windows": 7, "rows": 700}]})
    'compared with how 34 past windows varied, and with 7 past windows of the same hour'
    >>> judged_beside(learned(9, 20, False))
    'still learning: judged by the chance of rows alone until 20 past windows are there'
    """
    beside = [compared(one["name"], one["windows"]) for one in execution.get("references", [])]
    if (noise := execution.get(PAST_WINDOWS)) is None:
        return f"compared {' and '.join(beside)}" if beside else ""
    n, needed = noise["windows"], noise["needed"]
    if n >= needed:
        return ", and ".join([f"compared with how {n} past windows varied", *beside])
    judged = "nothing is judged by chance" if noise["required"] else "judged by the chance of rows alone"
    learning = f"still learning: {judged} until {needed} past windows are there"
    return "; ".join([learning, *(f"compared {one}" for one in beside)])


def compared(reference: str, windows: int) -> str:
    """What a reference is, in words.

    >>> compared("previous", 1), compared("trailing P7D", 1)
    ('with the window before', 'with the 1 window of the P7D before')
    """
    if reference == "previous":
        return "with the window before"
    counted = f"{windows} {'window' if windows == 1 else 'windows'}"
    if reference.startswith("trailing "):
        return f"with the {counted} of the {reference.removeprefix('trailing ')} before"
    return f"with {counted.replace(' ', ' past ')} of the same hour"
