"""A version of a baseline as a person is asked about it: what was learned, what changes, which windows would flip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_monitor.core.measures import Subject
from model_monitor.errors import printable, without_secrets
from model_monitor.results.documents.protocol import Document
from model_monitor.verdicts.comparison import Comparison
from model_monitor.verdicts.replay import Replay
from model_monitor.verdicts.versions import Version

MOST = 50  # rows of a table, and files of a dataset: the rest is counted
SPECIAL = re.compile(r"[`|\r\n]")


@dataclass(frozen=True)
class Proposal:
    """A version, the one that is in force, and what differs.

    in_force: as it was published; None if there is none, or if it can't be compared, as the ``remark`` says.
    replaces: the name of the version in force; None if there is none.
    decided: what was decided on the version before; "" if nothing was.
    settled: why nobody has to be asked; "" if a person has to be. Where that is so, nothing may have been compared.
    """

    version: Version
    in_force: Version | None = None
    replaces: str | None = None
    settled: str = ""
    comparison: Comparison = field(default_factory=Comparison)
    replayed: Replay = field(default_factory=Replay)
    remark: str = ""
    decided: str = ""

    @property
    def markdown(self) -> str:
        """The whole, for a page."""
        return self.written(Markdown())

    @property
    def text(self) -> str:
        """The whole, for a terminal."""
        return self.written(Plain())

    def written(self, form: Form) -> str:
        parts = [self.learned(form), self.remark and form.safe(self.remark), *self.changes(form), *self.flips(form)]
        return "\n\n".join(filter(None, parts))

    def learned(self, form: Form) -> str:
        """From what both versions were learned."""
        compared = "" if self.replaces else "There is no version in force."
        if self.in_force:
            compared = f"In force is {described(self.in_force.name, self.in_force.description, form)}"
        proposed = described(self.version.name, self.version.description, form)
        edited = " Its files were edited: it would be a version of its own." if self.version.is_edited else ""
        decided = f" It was {form.safe(self.decided)}." if self.decided else ""
        return "\n\n".join(filter(None, (f"Proposed is {proposed}{decided}{edited}", compared)))

    def changes(self, form: Form) -> list[str]:
        found = self.comparison
        listed = [
            f"Columns {word}: {form.codes(names)}."
            for word, names in (("added", found.added), ("removed", found.removed))
            if names
        ]
        rows = [
            (change.check, form.code(name_of(change.subject, change.measure)), form.safe(was), form.safe(is_now))
            for change in found.changes
            for was, is_now in [(change.before or "not judged", change.after or "not judged")]
        ]
        same = f"{found.same} constraints stay as they are." if found.same else ""
        return [*listed, form.table(("check", "of", "in force", "proposed"), rows), same]

    def flips(self, form: Form) -> list[str]:
        found = self.replayed
        if not found.windows:
            return ["No window has a State to judge again."] if self.in_force else []
        rows = [
            (
                str(flip.window),
                flip.before,
                flip.after,
                form.codes([*signed("+", flip.gained), *signed("-", flip.lost)]),
            )
            for flip in found.flips
        ]
        summary = (
            f"Of the last {found.windows} windows {len(rows)} would flip: {found.before} are violated by the version "
            f"in force, {found.after} would be by the proposed one."
        )
        return [summary, form.table(("window", "in force", "proposed", "violated then (+), or no more (-)"), rows)]


def described(name: str, description: Document, form: Form) -> str:
    """A version in a sentence."""
    files = [without_secrets(str(entry.get("file"))) for entry in description.get("inputs", ())]
    more = f" and {len(files) - 3} more files" if len(files) > 3 else ""
    rows = f" from {description['rows']} rows" if "rows" in description else ""
    source = f" of {form.codes(files[:3])}{more}" if files else ""
    rejected = f", {description['rejected']} records set aside" if description.get("rejected") else ""
    learned = f", learned at {description['created']}{rows}{source}{rejected}" if description.get("created") else ""
    edited = f", edited from {form.code(description['edited_from'])}" if "edited_from" in description else ""
    return f"version {form.code(name)}{edited}{learned}."


def name_of(subject: Subject, measure: str) -> str:
    """What a constraint is about: its measure too, where the subject does not tell it apart from others."""
    return f"{subject} {measure}".strip()


def signed(sign: str, names: Sequence[str]) -> list[str]:
    return [sign + name for name in names]


@dataclass(frozen=True)
class Plain:
    """Texts for a terminal; of a table and of names at most so many, and the number of the rest. None: all."""

    most: int | None = MOST

    def safe(self, text: str) -> str:
        return printable(text)

    def code(self, text: str) -> str:
        return printable(text)

    def codes(self, names: Sequence[str]) -> str:
        rest = len(names) - len(names[: self.most])
        return ", ".join(map(self.code, names[: self.most])) + (f" and {rest} more" if rest else "")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        if not rows:
            return ""
        lines = [head, *rows[: self.most]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        padded = ("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)
        return "\n".join([*padded, *self.rest(rows)])

    def rest(self, rows: Sequence[Sequence[str]]) -> list[str]:
        rest = len(rows) - len(rows[: self.most])
        return [f"and {rest} more"] if rest else []


class Markdown(Plain):
    """Texts for a page that renders Markdown: what others wrote stays a text, whatever is in it."""

    def safe(self, text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>|#!~])", r"\\\1", " ".join(printable(text).split()))

    def code(self, text: str) -> str:
        return f"`{SPECIAL.sub(' ', printable(text))}`"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        if not rows:
            return ""
        lines = [head, ["---"] * len(head), *rows[: self.most]]
        rest = self.rest(rows)
        return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *([""] if rest else []), *rest])


Form = Plain
