"""What came of a case: what is told, and what must not be."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from model_monitor.errors import MonitorError

LONGEST = 20_000  # characters of a sentence for a person


@dataclass
class Outcome:
    """``faults`` are by kind: traceback, uncounted, harm, told. ``refused`` are the sentences of errors of our own."""

    faults: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def call(self, verb: Callable[[], object]) -> object:
        """What a verb returns; None if it raises, which is counted."""
        try:
            return verb()
        except MonitorError as error:
            self.refuse(str(error))
        except Exception as error:  # noqa: BLE001 - what this campaign looks for
            self.faults.append(("traceback", in_short(error)))
        return None

    def refuse(self, sentence: str) -> None:
        self.refused.append(sentence)
        if len(sentence) > LONGEST:
            self.faults.append(("told", f"a sentence of {len(sentence)} characters: {sentence[:200]}"))
        if "hunter2" in sentence:
            self.faults.append(("told", f"a secret is quoted: {sentence[:300]}"))

    def command(self, main: Callable[[list[str]], int], arguments: list[str]) -> int | None:
        """The exit code of the command line, whose words are judged like those of errors; None if it raises."""
        said = io.StringIO()
        code = None
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                code = main(arguments)
            except Exception as error:  # noqa: BLE001
                self.faults.append(("traceback", in_short(error)))
        if code == 1:
            self.refuse(said.getvalue())
        return code

    def expect(self, kind: str, holds: bool, words: str) -> None:
        if not holds:
            self.faults.append((kind, words))


def in_short(error: BaseException) -> str:
    """The error, and the last lines of this project that it came through."""
    frames = [
        f"{frame.filename.rpartition('/model_monitor/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "/model_monitor" in frame.filename
    ]
    return f"{type(error).__name__}: {str(error)[:200]!r} at {' < '.join(frames[::-1][:4])}"
