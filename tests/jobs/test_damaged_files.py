"""What is kept from one task to the next is not trusted: a flipped bit anywhere is noticed, and told with a remedy."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.judged import Endpoint

from model_monitor.__main__ import main
from model_monitor.errors import DataError
from model_monitor.rows import sealed

FLIPS, OF_ROWS = 6, 40  # of each file


Step = Callable[[Endpoint, str], object]

# Below the output: which schedule's task reads such a file, and which task makes it again, if one does.
READ: dict[str, tuple[str | None, Step, Step | None]] = {
    r"_rows/.*/rows\.parquet": ("dq", Endpoint.compute, Endpoint.collect),
    r"_merged/churn/(\w+)/.*/rows\.parquet": (None, Endpoint.compute, Endpoint.merge),
    r"_explained/churn/(\w+)/.*/rows\.parquet": (None, Endpoint.compute, Endpoint.explain),
    r"_states/churn/(\w+)/.*/collected\.json": (None, Endpoint.compute, Endpoint.collect),
    r"_states/churn/(\w+)/.*/merged\.json": (None, Endpoint.compute, Endpoint.merge),
    r"_states/churn/(\w+)/.*/explained\.json": (None, Endpoint.compute, Endpoint.explain),
    r"_states/churn/(\w+)/.*/(?:evidence\.json|state\.mms)": (None, Endpoint.evaluate, Endpoint.compute),
    r"_awaiting/churn/(\w+)/.*/window\.json": (None, Endpoint.look, Endpoint.evaluate),
    r"_baselines/churn/(\w+)/observed/.*": (None, Endpoint.suggest, Endpoint.observe),
    r"_baselines/churn/(\w+)/published\.json": (None, Endpoint.evaluate, Endpoint.learn),
    r"_baselines/churn/(\w+)/[0-9a-f]{12}/(?:statistics|constraints|analysis)\.json": (None, Endpoint.evaluate, None),
    r"_baselines/churn/(\w+)/[0-9a-f]{12}/baseline\.json": (None, Endpoint.publish, Endpoint.suggest),
    r"_baselines/churn/(\w+)/[0-9a-f]{12}/decision\.json": (None, Endpoint.publish, None),
    r"churn/(\w+)/.*/(?:execution|constraint_violations|measures)\.json": (None, Endpoint.alert, Endpoint.evaluate),
    r"_retention/.*/until\.json": ("dq", Endpoint.collect, None),
    r"_retention/.*/deleted\.json": ("dq", Endpoint.retain, None),
    r"_retention/.*/anonymous\.json": ("dq", Endpoint.retain, None),
}
MADE_AGAIN = r"_baselines/churn/(\w+)/explained/.*\.parquet"  # without a word: it is read by the task that makes it
LEFT_OUT = r"_odds/churn/\w+/.*/odds\.json"  # likewise: a damaged one is that of no window
FOR_PEOPLE = (
    r"churn/\w+/.*/(statistics|constraints|analysis)\.json",
    r"churn/\w+/.*/report\.html",
    r"_baselines/churn/\w+/[0-9a-f]{12}/report\.html",
    r"_as_of/.*",
    r"merge/.*",
)


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    endpoint = Endpoint(tmp_path)
    for step in endpoint.steps():
        step()
    return endpoint


def flipped(content: bytes, count: int, seed: str) -> Iterator[bytes]:
    """The same with one bit flipped, so often."""
    chance = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        yield bytes(damaged)


def matches_of(endpoint: Endpoint, path: Path) -> list[tuple[str, re.Match[str]]]:
    name = path.relative_to(endpoint.out).as_posix()
    patterns = (*READ, MADE_AGAIN, LEFT_OUT, *FOR_PEOPLE)
    return [(pattern, match) for pattern in patterns if (match := re.fullmatch(pattern, name))]


def test_each_file_that_is_kept_is_for_people_or_has_a_known_reader(endpoint: Endpoint) -> None:
    unknown = {str(path): len(found) for path in endpoint.files() if len(found := matches_of(endpoint, path)) != 1}
    assert not unknown
    kinds = {matches_of(endpoint, path)[0][0] for path in endpoint.files()}
    assert kinds == {*READ, MADE_AGAIN, LEFT_OUT, *FOR_PEOPLE}


def test_a_flipped_bit_is_noticed_by_the_reader_and_mended_by_the_task_before_it(endpoint: Endpoint) -> None:
    good, flips = endpoint.files(), 0
    for path, content in good.items():
        [(pattern, match)] = matches_of(endpoint, path)
        if pattern not in READ:
            continue
        schedule, read, make = READ[pattern]
        schedule = schedule or match[1]
        for damaged in flipped(content, OF_ROWS if path.suffix == ".parquet" else FLIPS, path.name):
            path.write_bytes(damaged)
            with pytest.raises(DataError, match=r"again|publish") as raised:
                read(endpoint, schedule)
            assert str(path) in str(raised.value)
            flips += 1
            if make:
                make(endpoint, schedule)
                assert path.read_bytes() == content
            for other, whole in good.items():  # a failure writes a report that says so
                other.write_bytes(whole)
        read(endpoint, schedule)
        for other, whole in good.items():
            other.write_bytes(whole)
    assert flips > 250


def test_damaged_explanations_of_a_baseline_are_made_again(endpoint: Endpoint) -> None:
    for path, content in endpoint.files().items():
        if re.fullmatch(MADE_AGAIN, path.relative_to(endpoint.out).as_posix()):
            for damaged in flipped(content, FLIPS, path.name):
                path.write_bytes(damaged)
                endpoint.observe("why")
                assert path.read_bytes() == content


def test_an_edited_baseline_counts_once_it_is_published(endpoint: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    [constraints] = (endpoint.out / "_baselines/churn/dq").glob("*/constraints.json")
    version, content = constraints.parent.name, constraints.read_text()
    constraints.write_text(content.replace('"completeness": 1.0', '"completeness": 0.5'))
    for verb in (endpoint.compute, endpoint.evaluate):
        with pytest.raises(DataError, match=rf"edited since.*model-monitor publish ENDPOINT_FILE dq {version}"):
            verb("dq")
    assert main(["publish", endpoint.file, "dq", version, "--why", "half of them are old"]) == 0
    assert f"which is {version} as it was edited" in capsys.readouterr().out
    endpoint.evaluate("dq")
    assert constraints.read_text() == content
    assert main(["publish", endpoint.file, "dq", "another"]) == 1
    assert "another/statistics.json" in capsys.readouterr().err


def test_a_pointer_without_digests_is_refused_with_what_to_run(endpoint: Endpoint) -> None:
    [pointer] = (endpoint.out / "_baselines/churn/dq").glob("published.json")
    pointer.write_text('{"version": "0123456789ab"}\n')
    with pytest.raises(DataError, match=r"older version; run model-monitor publish ENDPOINT_FILE dq VERSION"):
        endpoint.evaluate("dq")


def test_another_kept_file_in_the_place_of_a_pointer_is_refused_with_what_to_run(endpoint: Endpoint) -> None:
    [pointer] = (endpoint.out / "_baselines/churn/dq").glob("published.json")
    others = {path for path in endpoint.files() if path.suffix == ".json" and path.read_bytes()[:9] == b'{"sha256"'}
    assert len(others) > 5
    for content in [path.read_bytes() for path in sorted(others) if path.name != pointer.name]:
        pointer.write_bytes(content)
        with pytest.raises(DataError, match=r"published\.json.*model-monitor publish ENDPOINT_FILE dq"):
            endpoint.evaluate("dq")


def test_any_reader_of_parquet_reads_a_sealed_file_and_only_whole_blocks_are_trusted(tmp_path: Path) -> None:
    path, size = tmp_path / "rows.parquet", 3 * sealed.BLOCK
    chance = random.Random(1)
    rows = pa.table({name: [chance.randbytes(size // 96).hex() for _ in range(32)] for name in "abc"})
    pq.write_table(rows, path, compression=None, use_dictionary=False, row_group_size=10)
    plain = path.read_bytes()
    sealed.seal(path)
    assert len(path.read_bytes()) > len(plain) > 2 * sealed.BLOCK
    assert pq.read_table(path).equals(rows)
    with sealed.opened(str(path)) as file:
        assert file.read() == path.read_bytes()
        for _ in range(200):
            start = chance.randrange(file.size)
            file.seek(start)
            assert file.read(length := chance.randrange(size)) == path.read_bytes()[start : start + length]
        assert pq.ParquetFile(file).read(["b"]).equals(rows.select(["b"]))
    content = path.read_bytes()
    for damaged in (b"", content[:7], content[:-1], content[: len(content) // 2], content + b"\0", plain):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="run the task that made it again"), sealed.opened(str(path)):
            pass
    damaged = bytearray(content)
    damaged[2 * sealed.BLOCK + 5] ^= 1
    path.write_bytes(damaged)
    with sealed.opened(str(path)) as file:
        assert file.read(2 * sealed.BLOCK) == content[: 2 * sealed.BLOCK]
        with pytest.raises(DataError, match="is damaged"):
            file.read(1)
