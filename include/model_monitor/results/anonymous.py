"""What a report keeps of texts that users sent: those that enough rows share, and the number of the others.

A text in a single row may be a name or an address of e-mail; one in many rows is a category. Judging reads States, so
no verdict depends on what is left out here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from model_monitor.core.measures import Subject
from model_monitor.monitors.bias.facets import AND
from model_monitor.monitors.bias.value_types import key_of
from model_monitor.results.documents.analysis import BIAS
from model_monitor.results.documents.protocol import ANALYSIS, STATISTICS, Document
from model_monitor.results.documents.segmented import SEGMENTS

FEWEST_ROWS = 10  # with which a text is written: the least cell that offices of health statistics publish is 10 or 11
OTHER = "other"
DOMAINS = "string_constraints"
NEWCOMER = "baseline"  # the measure of a finding on a subject that the baseline lacks

Segment = tuple[str, str]  # column and value
Buckets = dict[str, int]


@dataclass(frozen=True)
class Anonymity:
    """Texts in fewer than ``fewest`` rows are left out, and of columns in ``private`` all values; of numbers the
    sketch, which holds those of single rows, unless it ``keeps_sketches``. A segment, or a facet's value, that the
    baseline or the options name stays."""

    fewest: int = FEWEST_ROWS
    private: Collection[str] = ()
    keeps_sketches: bool = True

    def of(self, files: Mapping[str, Document], execution: Document) -> tuple[dict[str, Document], Document]:
        """A report's files, by name, and its ``execution.json``, as they may be kept. Once so, they stay the same."""
        if not self.fewest and not self.private and self.keeps_sketches:
            return dict(files), execution
        statistics = files.get(ANALYSIS) or files.get(STATISTICS) or {}
        known = {subject_of(f) for f in execution["findings"] if f["measure"] != NEWCOMER}
        segments = {segment for subject in known for segment in subject.segment}
        rare = {
            segment: rows_in(entry)
            for entry in statistics.get(SEGMENTS, ())
            if (segment := segment_of(entry)) not in segments and rows_in(entry) < self.fewest
        }
        parts = {segment_of(entry): entry for entry in statistics.get(SEGMENTS, ())}
        facets = Facets(self.fewest, {str(subject.column) for subject in known}, open_facets(execution))
        written = {}
        for name, document in files.items():
            kept = self.part(document, statistics, facets)
            if SEGMENTS in document:
                entries = [entry for entry in document[SEGMENTS] if segment_of(entry) not in rare]
                kept[SEGMENTS] = [self.part(entry, parts.get(segment_of(entry), {}), facets) for entry in entries]
                kept |= {"other_segments": {SEGMENTS: len(rare), "rows": sum(rare.values())}} if rare else {}
            written[name] = kept
        hidden = {Subject(None, (segment,)) for segment in rare}
        hidden |= {Subject(f"{facet} {key_of(value)}") for facet, value in facets.left_out}
        return written, with_newcomers_hidden(execution, hidden)

    def part(self, document: Document, statistics: Document, facets: Facets) -> Document:
        """The members about all rows, or about those of a segment, of which there are these ``statistics``."""
        kept = dict(document)
        listed = {f["name"]: self.feature(f, ()) for f in statistics.get("features", ())}
        if "features" in document:
            kept["features"] = [self.feature(f, texts_in(listed.get(f["name"], {}))) for f in document["features"]]
        if "predictions" in document:
            kept["predictions"] = self.feature(document["predictions"], ())
        if "measures" in document:
            kept["measures"] = [self.folded(measure, "counts") for measure in document["measures"]]
        if isinstance(document.get("constraints"), list):
            counted = {key_in(m): self.folded(m, "counts").get("counts", {}) for m in statistics.get("measures", ())}
            constraints = (self.constraint(c, counted.get(key_in(c), {})) for c in document["constraints"])
            kept["constraints"] = [constraint for constraint in constraints if constraint]
        return kept | {name: facets.section(document[name]) for name in BIAS if name in document}

    def feature(self, feature: Document, listed: Collection[str]) -> Document:
        """A column's entry in ``statistics.json``, or in ``constraints.json`` if those texts of it are ``listed``."""
        if feature["name"] in self.private:
            common = {key: {"common": feature[key]["common"]} for key in feature if key.endswith("_statistics")}
            return {key: value for key, value in feature.items() if key != DOMAINS} | common
        numbers = feature.get("numerical_statistics", {})
        if not self.keeps_sketches and "sketch" in (kll := numbers.get("distribution", {}).get("kll", {})):
            without = {key: value for key, value in kll.items() if key != "sketch"}
            return feature | {"numerical_statistics": numbers | {"distribution": {"kll": without}}}
        if categorical := feature.get("string_statistics", {}).get("distribution", {}).get("categorical"):
            folded = self.folded_buckets(categorical)
            own = feature["string_statistics"] | {"distribution": {"categorical": folded}}
            return feature | {"string_statistics": own}
        if set(feature.get(DOMAINS, {}).get("domains", ())) - set(listed):
            return {key: value for key, value in feature.items() if key != DOMAINS}
        return feature

    def folded_buckets(self, categorical: Document) -> Document:
        buckets = {bucket["value"]: bucket["count"] for bucket in categorical["buckets"]}
        folded = self.folded(categorical | {"counts": buckets}, "counts")
        listed = [{"value": value, "count": n} for value, n in folded.pop("counts").items()]
        return folded | {"buckets": listed}

    def folded(self, document: Document, member: str) -> Document:
        """A document whose ``member`` has counts by text, with only those of enough rows; the rest as totals."""
        counts = document.get(member)
        rare = {text: n for text, n in (counts or {}).items() if n < self.fewest}
        if not counts or not rare:
            return document
        other = {"values": len(rare), "count": sum(rare.values())}
        return document | {member: {text: n for text, n in counts.items() if text not in rare}, OTHER: other}

    def constraint(self, constraint: Document, counted: Collection[str]) -> Document | None:
        """A constraint of a monitor that SageMaker lacks; None if it names texts that are not ``counted``."""
        if set(constraint.get("within", {}).get("categories", ())) - set(counted):
            return None
        to = constraint.get("near", {}).get("to", {})
        if OTHER not in (folded := self.folded(to, "counts")):
            return constraint
        rest = to.get("rest", 0) + folded.pop(OTHER)["count"]
        return constraint | {"near": constraint["near"] | {"to": folded | {"rest": rest}}}


class Facets:
    """Which values of a bias monitor's facets are written, and which were ``left_out``."""

    def __init__(self, fewest: int, known: Collection[str], open_titles: Collection[str]) -> None:
        self.fewest, self.known, self.open_titles = fewest, known, open_titles
        self.left_out: set[tuple[str, str]] = set()

    def section(self, section: Document) -> Document:
        facets = {title: [e for e in entries if self.keeps(title, e)] for title, entries in section["facets"].items()}
        return section | {"facets": facets}

    def keeps(self, title: str, entry: Document) -> bool:
        """SageMaker's file does not say how many rows have a value."""
        value = entry["value_or_threshold"]
        is_known = title not in self.open_titles or f"{title} {key_of(value)}" in self.known
        if is_known or entry.get("rows", {}).get("d", 0) >= self.fewest:
            return True
        self.left_out.add((title, value))
        return False


def open_facets(execution: Document) -> set[str]:
    """The facets each of whose values has an entry, because the options name none."""
    facets = [facet for facet in execution.get("options", {}).get("facets", ()) if isinstance(facet, Mapping)]
    named = ("values", "thresholds", "value_or_threshold")
    names = (facet.get("name") for facet in facets if not any(facet.get(key) for key in named))
    return {AND.join(map(str, name if isinstance(name, list | tuple) else [name])) for name in names}


def rows_in(entry: Mapping[str, Any]) -> int:
    """How many rows a segment has, as far as its statistics tell."""
    counts = entry.get("dataset", entry)
    unusable = counts.get("unusable", ())
    set_aside = unusable.values() if isinstance(unusable, Mapping) else [reason["rows"] for reason in unusable]
    used: int = counts.get("item_count", 0) + sum(set_aside)
    statistics = entry.get("predictions", {})
    predicted = statistics.get("string_statistics") or statistics.get("numerical_statistics") or {}
    rows: int = sum(predicted.get("common", {}).values())
    return max(used, rows)


def segment_of(entry: Document) -> Segment:
    [(column, value)] = entry["segment"].items()
    return column, value


def subject_of(finding: Document) -> Subject:
    return Subject(finding["column"], tuple(finding["segment"].items()))


def key_in(entry: Document) -> tuple[Any, Any]:
    """Which measure an entry is about."""
    return entry.get("column"), entry.get("measure")


def texts_in(feature: Document) -> list[str]:
    distribution = feature.get("string_statistics", {}).get("distribution", {})
    return [bucket["value"] for bucket in distribution.get("categorical", {}).get("buckets", ())]


def with_newcomers_hidden(execution: Document, hidden: Collection[Subject]) -> Document:
    """``execution.json`` whose findings on what the baseline lacks name no hidden facet's value or segment."""
    findings = []
    for finding in execution["findings"]:
        subject = shown = subject_of(finding)
        if finding["measure"] == NEWCOMER:
            segment = tuple((c, OTHER if Subject(None, ((c, v),)) in hidden else v) for c, v in subject.segment)
            is_hidden = Subject(subject.column) in hidden
            shown = Subject(
                f"{(subject.column or '').partition(' = ')[0]} = {OTHER}" if is_hidden else subject.column, segment
            )
        if shown != subject:
            reason = finding["reason"].replace(str(subject), str(shown))
            finding = finding | {"column": shown.column, "segment": dict(shown.segment), "reason": reason}
        findings.append(finding)
    return execution | {"findings": findings}
