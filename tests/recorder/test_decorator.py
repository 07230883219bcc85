"""Does the decorator record what a function was given and returned, so that it can be collected?"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from support.recorded import Waiting, data_of, recorder_into, rows_of, written_by

from model_monitor.errors import ConfigError
from model_monitor.recorder import Recorder, captured
from model_monitor.recorder.values import write_arguments, write_result


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with recorder_into(tmp_path) as made:
        yield made


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is known of the request beside its payloads."""
    return {name: value for name, value in row.items() if not name.startswith("@")}


def test_arguments_and_result_become_one_row_with_their_names(recorder: Recorder, tmp_path: Path) -> None:
    @captured(recorder, output="probability", inference_id="order")
    def score(order: str, age: int, country: str = "fr", *, debt: float | None = None) -> float:
        """How likely is it?"""
        return age / 100

    assert (score.__name__, score.__doc__) == ("score", "How likely is it?")
    assert score("o-1", 34, debt=2.50) == 0.34
    [record] = written_by(recorder, tmp_path)
    assert data_of(record) == ('{"age":34,"country":"fr","debt":2.5}', '{"probability":0.34}')
    [row] = rows_of(tmp_path)
    assert judged(row) == {"age": "34", "country": "fr", "debt": "2.5", "probability": "0.34"}
    assert row["@inference_id"] == "o-1"


def test_a_coroutine_function_stays_one_and_is_recorded_at_the_time_it_was_called(
    recorder: Recorder, tmp_path: Path
) -> None:
    @captured(recorder)
    async def score(age: int) -> float:
        await asyncio.sleep(1.1)
        return age / 100

    assert asyncio.iscoroutinefunction(score)
    before = time.time()
    assert asyncio.run(score(34)) == 0.34
    [row] = rows_of(tmp_path) if written_by(recorder, tmp_path) else []
    assert judged(row) == {"age": "34", "prediction": "0.34"}
    assert int(before) <= row["@event_time"].timestamp() < time.time() - 1


def test_a_recorder_that_blocks_does_not_block_the_event_loop(tmp_path: Path) -> None:
    recorder = Waiting(tmp_path)

    @captured(recorder)
    async def score(age: int) -> float:
        return age / 100

    async def scenario() -> float:
        asked = asyncio.create_task(score(34))
        while not recorder.waits.is_set():
            await asyncio.sleep(0.001)
        recorder.released.set()  # by another task of the same event loop
        return await asked

    assert asyncio.run(scenario()) == 0.34
    assert recorder.was_released
    assert len(written_by(recorder, tmp_path)) == 1


def test_methods_are_recorded_without_self_and_chosen_arguments_alone(recorder: Recorder, tmp_path: Path) -> None:
    class Model:
        @captured(recorder)
        def predict(self, age: int) -> float:
            return age / 100

        @classmethod
        @captured(recorder, arguments=["row"])
        def of_row(cls, row: dict[str, Any], model: object) -> float:
            return 1.0

    assert Model().predict(34) == 0.34
    assert Model.of_row({"age": 35}, model=object()) == 1.0
    assert [data_of(record)[0] for record in written_by(recorder, tmp_path)] == ['{"age":34}', '{"age":35}']


def test_what_the_function_does_to_its_arguments_is_not_recorded(recorder: Recorder, tmp_path: Path) -> None:
    @captured(recorder)
    def score(row: dict[str, Any], **more: Any) -> float:
        del row["age"]
        return float(more["bonus"])

    assert score({"age": 1, "debt": 2}, bonus=3) == 3.0
    [record] = written_by(recorder, tmp_path)
    assert data_of(record)[0] == '{"row":{"age":1,"debt":2},"bonus":3}'


def test_a_call_that_raises_is_recorded_as_failed_unless_that_is_switched_off(
    recorder: Recorder, tmp_path: Path
) -> None:
    def score(age: int) -> float:
        if age < 0:
            raise LookupError("no model")
        return 0.5

    async def later(age: int) -> float:
        return score(age)

    for failures in (True, False):
        with pytest.raises(LookupError):
            captured(recorder, failures=failures)(score)(-1)
        with pytest.raises(LookupError):
            asyncio.run(captured(recorder, failures=failures)(later)(-2))  # type: ignore[arg-type]
    captured(recorder)(score)(34)
    records = written_by(recorder, tmp_path)
    assert [data_of(record) for record in records] == [
        ('{"age":-1}', None),
        ('{"age":-2}', None),
        ('{"age":34}', '{"prediction":0.5}'),
    ]
    told = [{k: r["eventMetadata"].get(k) for k in ("statusCode", "failed")} for r in records]
    assert told == [{"statusCode": 500, "failed": True}] * 2 + [{"statusCode": 200, "failed": None}]
    assert all(record["eventMetadata"]["latencyMs"] > 0 for record in records)


def test_a_call_with_other_arguments_is_not_recorded(recorder: Recorder, tmp_path: Path) -> None:
    @captured(recorder)
    def score(age: int) -> float:
        return 0.5

    with pytest.raises(TypeError, match="unexpected keyword"):
        score(years=34)  # type: ignore[call-arg]
    assert written_by(recorder, tmp_path) == []


def test_what_can_not_be_written_harms_nothing_and_is_told_once(
    recorder: Recorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @captured(recorder)
    def score(age: object) -> object:
        return age

    odd = object()
    assert [score(odd), score(odd)] == [odd, odd]
    assert written_by(recorder, tmp_path) == []
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == ["ERROR"]
    assert "object can't be written as JSON" in caplog.text


def test_calls_that_are_sampled_out_are_counted_and_none_of_their_values_written(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, sampling_percentage=0)

    @captured(recorder)
    def score(age: object) -> float:
        return 0.5

    assert score(object()) == 0.5
    assert recorder.counters()["sampled_out"] == 1
    assert written_by(recorder, tmp_path) == []


@pytest.mark.parametrize("side", ["input", "output"])
def test_a_side_that_is_not_captured_is_not_written(tmp_path: Path, side: Any) -> None:
    recorder = recorder_into(tmp_path, capture=[side])

    @captured(recorder)
    def score(age: object) -> object:
        return 0.5 if side == "output" else object()

    score(object() if side == "output" else 1)
    assert data_of(written_by(recorder, tmp_path)[0]) == (
        ('{"age":1}', None) if side == "input" else (None, '{"prediction":0.5}')
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"arguments": "age"}, "arguments"),
        ({"arguments": ["years"]}, "no argument 'years'; it has age"),
        ({"inference_id": "order"}, "no argument 'order'"),
        ({"output": []}, "output"),
    ],
)
def test_names_that_are_not_there_are_refused_at_once(recorder: Recorder, settings: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):

        @captured(recorder, **settings)
        def score(age: int) -> float:
            return 0.5


def test_generators_are_refused(recorder: Recorder) -> None:
    with pytest.raises(ConfigError, match="yields"):

        @captured(recorder)
        def tokens() -> Iterator[str]:
            yield "a"


def test_bytes_and_text_with_a_content_type_stay_as_they_are(recorder: Recorder, tmp_path: Path) -> None:
    @captured(recorder, input_content_type="text/csv", output_content_type="application/json")
    def score(body: bytes) -> str:
        return '{"score": 0.50}'

    score(b"1,2.0\n")
    [record] = written_by(recorder, tmp_path)
    assert data_of(record) == ("1,2.0\n", '{"score": 0.50}')


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_a_payload(recorder: Recorder, tmp_path: Path, kind: Any) -> None:
    @captured(recorder, input_content_type="text/csv", output_content_type="text/csv")
    def score(body: Any) -> Any:
        return body

    score(kind(b"1,2.0\n"))
    assert data_of(written_by(recorder, tmp_path)[0]) == ("1,2.0\n", "1,2.0\n")


def test_an_array_that_is_too_large_to_be_kept_is_not_even_written(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, max_payload_bytes=100)

    class Large:
        shape = (10, 11)

        def tolist(self) -> list[float]:
            raise AssertionError("it was written")

    @captured(recorder)
    def score(rows: Large, age: int) -> Large:
        return rows

    score(Large(), 1)
    [record] = written_by(recorder, tmp_path)
    for side in record["captureData"].values():
        assert (side["data"], side["truncated"]) == (None, True)


def test_what_can_not_be_called_with_known_arguments_is_refused_at_once(recorder: Recorder) -> None:
    def score(age: int) -> float:
        return 0.5

    for kind in (classmethod, staticmethod):
        with pytest.raises(ConfigError, match=f"score is a {kind.__name__}; write @captured below"):
            captured(recorder)(kind(score))
    with pytest.raises(ConfigError, match="max has no signature"):
        captured(recorder)(max)


def test_an_object_that_is_called_and_awaited_is_a_coroutine_function_too(recorder: Recorder, tmp_path: Path) -> None:
    class Model:
        async def __call__(self, age: int) -> float:
            return age / 4

    assert asyncio.run(captured(recorder)(Model())(1)) == 0.25
    assert data_of(written_by(recorder, tmp_path)[0]) == ('{"age":1}', '{"prediction":0.25}')


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float


@dataclass
class House:
    rooms: int
    built: date


class Answer(BaseModel):
    label: str
    score: float


FRAME = pd.DataFrame({"age": [34, 51], "debt": [0.1, None]})
ROWS = '[{"age":34,"debt":0.1},{"age":51,"debt":null}]'


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        ({"frame": FRAME}, ROWS),
        ({"table": pa.table({"age": [34, 51], "debt": [0.1, None]})}, ROWS),
        ({"rows": [{"age": 34, "debt": 0.1}, {"age": 51, "debt": math.nan}]}, ROWS),
        ({"rows": [House(3, date(1990, 1, 2))]}, '[{"rooms":3,"built":"1990-01-02"}]'),
        ({"row": FRAME.iloc[1]}, '{"age":51.0,"debt":null}'),
        ({"point": Point(1, 2.0)}, '{"x":1,"y":2.0}'),
        ({"house": House(3, date(1990, 1, 2))}, '{"rooms":3,"built":"1990-01-02"}'),
        ({"array": np.array([1.5, np.nan, 3])}, "1.5,,3.0\n"),
        ({"array": np.array([[1, 2], [3, 4]])}, "1,2\n3,4\n"),
        ({"values": [1, "a,b", None, True]}, '1,"a,b",,true\n'),
        ({"age": np.int64(3), "is_new": np.bool_(True)}, '{"age":3,"is_new":true}'),
        ({"colour": Colour.RED, "paid": Decimal("1.10")}, '{"colour":"red","paid":1.10}'),
        ({"at": pd.Timestamp("2026-01-05T03:00"), "until": pd.NaT}, '{"at":"2026-01-05T03:00:00","until":null}'),
        ({"text": "a word"}, '{"text":"a word"}'),
        (
            {"paid": Decimal("NaN"), "due": Decimal("-Infinity"), "of": Decimal("1.10")},
            '{"paid":null,"due":null,"of":1.10}',
        ),
        ({"word": "NaN", "paid": Decimal("NaN"), "n": 10**30}, f'{{"word":"NaN","paid":null,"n":{10**30}}}'),
        ({"values": [Decimal("NaN"), Decimal("2.50")]}, ",2.5\n"),
        ({"at": np.datetime64("2026-01-05T03:00:00", "ns")}, '{"at":"2026-01-05T03:00:00"}'),
        ({"at": np.array(["2026-01-05T03:00:00", "NaT"], "M8[ns]")}, "2026-01-05T03:00:00,\n"),
        ({"values": range(3)}, "0,1,2\n"),
        ({"frame": FRAME.iloc[:0]}, "[]"),
    ],
    ids=repr,
)
def test_arguments_are_written_by_what_they_are(arguments: dict[str, Any], content: str) -> None:
    found = write_arguments(arguments, None)
    assert found is not None
    text = found.content.decode() if isinstance(found.content, bytes) else found.content
    assert (text, found.content_type) == (content, "application/json" if content[0] in "[{" else "text/csv")


@pytest.mark.parametrize(
    ("result", "names", "content"),
    [
        (0.5, ["p"], '{"p":0.5}'),
        (np.float32(0.5), ["p"], '{"p":0.5}'),
        ("spam", ["p"], '{"p":"spam"}'),
        (True, ["p"], '{"p":true}'),
        (np.array([0.1, 0.9]), ["p"], '[{"p":0.1},{"p":0.9}]'),
        (np.array([[0.1], [0.9]]), ["p"], '[{"p":0.1},{"p":0.9}]'),
        (pd.Series([0.1, 0.9]), ["p"], '[{"p":0.1},{"p":0.9}]'),
        (np.array([[0.1, 0.9]]), ["p"], "0.1,0.9\n"),
        (np.array([[0.1, 0.9]]), ["no", "yes"], '[{"no":0.1,"yes":0.9}]'),
        (("spam", 0.5), ["label", "p"], '{"label":"spam","p":0.5}'),
        ([0.1, 0.2, 0.7], ["no", "yes"], "0.1,0.2,0.7\n"),
        (FRAME, ["p"], ROWS),
        ({"label": "a", "p": 0.5}, ["q"], '{"label":"a","p":0.5}'),
        (Answer(label="a", score=0.5), ["q"], '{"label":"a","score":0.5}'),
        ([Answer(label="a", score=0.5)], ["q"], '[{"label":"a","score":0.5}]'),
        ([], ["p"], "[]"),
    ],
    ids=repr,
)
def test_results_are_written_by_what_they_are(result: Any, names: list[str], content: str) -> None:
    found = write_result(result, names, None)
    assert found is not None
    text = found.content.decode() if isinstance(found.content, bytes) else found.content
    assert (text, found.content_type) == (content, "application/json" if content[0] in "[{" else "text/csv")


def test_no_result_is_no_output(recorder: Recorder, tmp_path: Path) -> None:
    @captured(recorder)
    def learn(age: int) -> None:
        return None

    learn(34)
    assert data_of(written_by(recorder, tmp_path)[0]) == ('{"age":34}', None)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "n": st.none() | st.integers(-(2**40), 2**40),
                "x": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "word": st.text(st.characters(codec="utf-8"), max_size=8),
                "yes": st.booleans(),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_rows_of_a_model_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    with recorder_into(folder) as recorder:

        @captured(recorder, output="score")
        def score(rows: list[dict[str, Any]]) -> np.ndarray:
            return np.arange(len(rows)) / 4

        score(rows)
    found = sorted(map(judged, rows_of(folder)), key=lambda row: float(row["score"]))
    for i, (row, told) in enumerate(zip(rows, found, strict=True)):
        assert float(told["score"]) == i / 4
        assert told["word"] == row["word"]
        assert told["yes"] == str(row["yes"]).lower()
        assert (told["n"] and int(told["n"])) == row["n"] or (told["n"], row["n"]) == ("0", 0)
        assert (None if told["x"] is None else float(told["x"])) == row["x"]


def test_pandas_is_not_imported_for_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from model_monitor.recorder import Recorder, captured\n"
        f"with Recorder('churn', {str(tmp_path / 'capture')!r}, spool={str(tmp_path)!r}) as recorder:\n"
        "    captured(recorder)(lambda age: age / 100)(34)\n"
        "print([name for name in ('numpy', 'pandas', 'pyarrow', 'starlette', 'flask') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
