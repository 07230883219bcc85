"""The pages as files: all that a page links to is there, nothing needs a server, and no other file is touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support.reports import window
from support.visited import HOLDS, VIOLATED, endpoint, judged

from model_monitor.__main__ import main
from model_monitor.dashboard.copied_links import CopiedLinks, Wanted, with_files
from model_monitor.dashboard.pages import FILES, PAGES

HOSTILE = ["../../etc/passwd", "<script>alert(1)</script>", "é" * 3000, 'a"><b', "CON", "x.html?y#z", "..", "A", "a"]


class Looked(HTMLParser):
    """The tags of a page, and what its links and files are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "xlink:href")]


Writes = Callable[..., Path]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two endpoints, one of which is ill, with four windows each."""
    both = []
    for name in ("ill", "well"):
        file = endpoint(tmp_path, name, [{"name": f"{name}-dq", "monitor": "data_quality"}], tags=["prices"])
        for hour in range(4):
            judged(file, f"{name}-dq", hour, VIOLATED if name == "ill" and hour > 1 else HOLDS)
        both.append(file)
    return both


@pytest.fixture
def write(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Writes:
    """Writes a site of both endpoints, and returns its folder."""

    def writing(*more: str, output: str = "site") -> Path:
        folder = tmp_path / output
        status = main(["dashboard", *map(str, files), "--output", str(folder), *more])
        assert status == 0, capsys.readouterr().err
        return folder

    return writing


def pages_in(folder: Path) -> dict[Path, Looked]:
    return {path: Looked(path.read_text("utf-8")) for path in folder.rglob("*.html")}


def test_every_link_leads_to_a_file_of_the_site_and_every_file_is_reached(write: Writes) -> None:
    folder = write()
    reached, pages = {folder / "index.html"}, pages_in(folder)
    for path, page in pages.items():
        for address in page.addresses:
            assert not urlsplit(address).scheme and not address.startswith("/"), (path, address)
            if target := unquote(address.partition("#")[0]):
                assert (path.parent / target).resolve().is_file(), (path, address)
                reached.add((path.parent / target).resolve())
    kinds = {path.name.partition("-")[0] for path in pages}
    assert {"index.html", "endpoint", "column", "metric", "execution", "executions", "alerts"} <= kinds
    assert reached >= set(pages)


def test_nothing_in_it_needs_a_server(write: Writes) -> None:
    for path, page in pages_in(write()).items():
        assert {"form", "button", "input", "select", "textarea", "script", "iframe"}.isdisjoint(page.tags), path
        assert "A copy of" in path.read_text("utf-8") or path.name.startswith("report-")


def test_the_site_says_what_the_pages_say(write: Writes) -> None:
    folder = write()
    index = (folder / "index.html").read_text("utf-8")
    assert "1 of 2 models is ill" in index
    [ill] = [path for path in (folder / "pages").glob("endpoint-ill-*") if "ill-dq" not in path.name]
    assert f"pages/{ill.name}" in index and "violated" in ill.read_text("utf-8")


def test_only_the_newest_windows_get_a_page_and_links_to_others_are_plain_text(
    write: Writes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("--executions", "1")
    executions = [path.name for path in (folder / "pages").glob("execution-*")]
    assert len(executions) == 2 and all(f"{window(3).start:%H-%M-%S}" in name for name in executions)
    listed = next((folder / "pages").glob("executions-*")).read_text("utf-8")
    assert f"{window(0).start:%Y-%m-%d %H:%M} UTC" in listed
    said = capsys.readouterr().err
    assert re.search(r"[1-9]\d* pages are left out", said) and "--executions" in said


def test_there_are_no_more_pages_than_allowed_and_those_are_the_nearest(write: Writes) -> None:
    pages = pages_in(write("--pages", "6"))
    assert len(pages) == 6
    assert {path.name.partition("-")[0] for path in pages} >= {"index.html", "executions", "alerts", "endpoint"}


def test_an_earlier_site_is_replaced_and_nothing_else(write: Writes, tmp_path: Path) -> None:
    folder = write()
    (tmp_path / "empty").mkdir()
    write(output="empty")
    stale = folder / "pages" / "endpoint-gone-0123456789.html"
    stale.write_text("of an endpoint that is gone")
    (folder / "files.txt").write_text((folder / "files.txt").read_text() + f"\npages/{stale.name}")
    write()
    assert not stale.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("other", ["notes.txt", "pages/mine.html", "files.txt", ".git/config", "index.html"])
def test_a_folder_with_files_of_others_is_refused_and_left_alone(
    files: list[Path], tmp_path: Path, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "precious"
    (folder / other).parent.mkdir(parents=True)
    (folder / other).write_text("{}")
    assert main(["dashboard", *map(str, files), "--output", str(folder)]) == 1
    assert "did not write" in capsys.readouterr().err
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / other]
    assert (folder / other).read_text() == "{}"


def test_a_file_and_a_link_are_refused(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("file", "link"):
        assert main(["dashboard", *map(str, files), "--output", str(tmp_path / name)]) == 1
    assert (tmp_path / "file").read_text() == "mine" and not any((tmp_path / "target").iterdir())


def test_a_site_that_can_not_be_made_leaves_the_earlier_one(
    write: Writes, files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (write() / "index.html").read_bytes()
    (tmp_path / "out" / "history.sqlite").write_text("no database")
    for path in (tmp_path / "out").glob("history.sqlite-*"):
        path.unlink()
    assert main(["dashboard", *map(str, files), "--output", str(tmp_path / "site")]) == 1
    assert "history" in capsys.readouterr().err
    assert (tmp_path / "site" / "index.html").read_bytes() == before


def test_without_a_history_the_pages_say_what_the_reports_say(
    write: Writes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "out").glob("history.sqlite*"):
        path.unlink()
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    folder = write()
    assert "1 of 2 models is ill" in (folder / "index.html").read_text("utf-8")
    assert "no history is kept" in capsys.readouterr().err
    assert before == sorted(p for p in tmp_path.rglob("*") if p.is_file() and folder not in p.parents)


def file_of(address: str, links: CopiedLinks) -> str:
    """The file that a link leads to in a copy that leaves nothing out; "" if there is none."""
    text = with_files(f'<a href="{address}">x</a>', links, Wanted(frozenset(), 10_000))
    return text.partition('"')[2].partition('"')[0]


def test_whatever_the_names_the_files_stay_in_their_folder_and_are_told_apart() -> None:
    links = CopiedLinks()
    files = [file_of(links.column(name, other), links) for name in HOSTILE for other in HOSTILE]
    assert len({file.lower() for file in files}) == len(HOSTILE) ** 2  # disks may not tell A from a
    assert all(re.fullmatch(r"pages/column-[a-z0-9-]{0,90}\.html", file) for file in files)


def test_each_page_can_be_in_a_copy_and_what_acts_can_not() -> None:
    links = CopiedLinks()
    pages = [page for page in (*FILES, *PAGES) if page.name not in ("execution", "report") and page.name != "new"]
    found = {file_of(links.page(re.sub(r"\{\w+\}", "x", page.path)), links) for page in pages}
    assert len(found) == len(pages) and "" not in found and "index.html" in found
    assert file_of(links.page("/alerts/snooze"), links) == file_of(links.new({"monitors": ["bias"]}), links) == ""
    assert file_of(links.executions(page=1), links) == file_of(links.executions(), links)
