"""Who decided on a version of a baseline, when and why? ``decision.json`` beside the version's files."""

from __future__ import annotations

from typing import Literal

import msgspec

from model_monitor.results.handover import Handover

DECISION = "decision.json"
APPROVED: Literal["approved"] = "approved"
REJECTED: Literal["rejected"] = "rejected"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One decision; ``at`` is ISO 8601. An ``automatic`` one was made by a setting, ``by`` nobody."""

    decision: Literal["approved", "rejected"] = APPROVED
    by: str | None = None
    at: str = ""
    why: str = ""
    automatic: bool = False

    def __str__(self) -> str:
        who = "automatically" if self.automatic else f"by {self.by or 'somebody'}"
        return f"{self.decision} {who} at {self.at}" + (f" ({self.why})" if self.why else "")


class Decision(Handover, frozen=True, kw_only=True):
    """The choice that counts for a version of a baseline, and those it replaced, oldest first: none is ever lost."""

    decision: Literal["approved", "rejected"] = APPROVED
    by: str | None = None
    at: str = ""
    why: str = ""
    automatic: bool = False
    earlier: list[Choice] = msgspec.field(default_factory=list)

    @property
    def choice(self) -> Choice:
        return Choice(decision=self.decision, by=self.by, at=self.at, why=self.why, automatic=self.automatic)

    def followed_by(self, choice: Choice) -> Decision:
        """The same with a further choice on top; itself if it has this one already."""
        known = [*self.earlier, self.choice]
        return self if choice in known else decision_of(choice, known)


def decision_of(choice: Choice, earlier: list[Choice] | None = None) -> Decision:
    return Decision(**msgspec.structs.asdict(choice), earlier=earlier or [])
