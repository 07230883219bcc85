"""Judge a window's State against the baseline, and write the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.core.constraints import Finding
from model_monitor.core.measures import Measures
from model_monitor.core.observed import Observed
from model_monitor.core.window import iso
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.earlier_windows import Stored, earlier_windows, learned_from, side_of
from model_monitor.jobs.late_labels import remember, reported
from model_monitor.jobs.logged import say_judged
from model_monitor.jobs.look import searched
from model_monitor.jobs.notes import notes_of
from model_monitor.jobs.since import sentences_since
from model_monitor.jobs.spans import trailing_spans
from model_monitor.jobs.unjudged import perhaps_moments, sentences_of, unjudged
from model_monitor.results import data_docs
from model_monitor.results import execution as executions
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import EXECUTION, VIOLATIONS, Document, Documents
from model_monitor.results.handover import Collected, Evidence
from model_monitor.results.html import REPORT, pictures_of, report_page
from model_monitor.results.measured import MEASURES, measured
from model_monitor.results.report import write_report
from model_monitor.results.sentences import sentence_of
from model_monitor.results.sinks import script_metrics
from model_monitor.rows import scripts
from model_monitor.verdicts import reported_beside as beside
from model_monitor.verdicts import staleness
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.noise import Key, key_of
from model_monitor.verdicts.slow import Slow, slow_drifts
from model_monitor.verdicts.verdict import Beside, Judge, Verdict, odds_of_window


def evaluate_constraints(execution: Execution) -> str:
    """A window's State judged against the baseline; the address of the report's folder. Raises StoreError."""
    files = execution.observation
    evidence = Evidence.read(files.evidence)
    observed = load_state(files.state, execution.monitor, evidence.state)
    with reported(execution):
        contents = report(execution, observed, evidence)
    document = json.loads(contents[EXECUTION])
    say_judged(execution.window, document, execution.report, sentences_since(execution, document))
    if evidence.merged:
        remember(execution, contents, evidence.merged)
    if script := execution.schedule.postprocess:
        postprocess(script, execution)
    return execution.report


def report(execution: Execution, observed: Observed, evidence: Evidence) -> dict[str, bytes]:
    """Judge a State and write the report; the files' contents by name."""
    baseline = Baseline.of(execution)
    earlier = earlier_windows(execution, baseline)
    judge = Judge.of(execution.monitor, baseline, execution.schedule.also, earlier.judges_twice)
    verdict = judge.verdict(observed, evidence.labels, trailing_spans(execution, observed), earlier)
    note_odds(execution, baseline, verdict)
    documents, private = documents_of(verdict.monitor), execution.endpoint.columns.private
    document = summary_of(execution, observed, evidence, baseline, verdict)
    document |= learned_from(execution, earlier, verdict.findings)
    described = described_by(execution, observed, evidence, verdict)
    _, shown = anonymity_for_people(execution).of(described, document)
    described, document = anonymity_of(execution).of(described, document)
    of_window = documents.violations(verdict.findings, observed.state)
    files = described | {
        VIOLATIONS: beside.with_violations(of_window, verdict.beside, documents),
        MEASURES: measured(verdict.measures, verdict.constraints, verdict.monitor.traits, private),
    }
    pages = pages_of(execution, observed, verdict, shown, files)
    return write_report(execution.report, files, evidence, document, pages)


def summary_of(
    execution: Execution, observed: Observed, evidence: Evidence, baseline: Baseline, verdict: Verdict
) -> Document:
    """The content of ``execution.json``."""
    documents, anonymity = documents_of(verdict.monitor), anonymity_for_people(execution)
    slow = slow_drifts(execution.window, verdict.findings, Stored(execution, baseline))
    age = staleness.finding_of(baseline, execution.schedule.baseline.stale_after, execution.window.end)
    is_stale = {"stale": age.outcome != "holds"} if age else {}
    not_judged = unjudged(verdict.monitor, observed.state, verdict, baseline, execution.endpoint.columns.private)
    document = executions.execution(
        execution.about | {"baseline": baseline.description | is_stale},
        verdict.status,
        reason_of(verdict, execution, evidence.collected),
        evidence,
        observed.rows,
        [*verdict.findings, *([age] if age and observed.rows else [])],
        verdict.monitor.unusable(observed.state),
        partial(details_of_window, documents, observed, verdict.measures, anonymity, slow),
        [
            *notes_of(execution, evidence.collected, observed),
            *sentences_of(not_judged),
            *perhaps_moments(execution.schedule.options, verdict.findings),
        ],
    )
    document |= {executions.UNJUDGED: not_judged} if not_judged else {}
    beside.add_to(document, verdict.beside, partial(details_beside, documents, anonymity))
    return document


def described_by(execution: Execution, observed: Observed, evidence: Evidence, verdict: Verdict) -> dict[str, Document]:
    """What the rows were like, by the names of SageMaker's files; none while labels are pending, when those of an
    earlier report are about other labels, and go."""
    documents = documents_of(verdict.monitor)
    if evidence.labels and evidence.labels.is_pending:
        for name in {documents.statistics_name, documents.constraints_name}:
            store.delete(store.join(execution.report, name))
        return {}
    constraints = verdict.constraints if observed.rows else []
    described = {documents.statistics_name: documents.statistics(observed.state, constraints)}
    if documents.constraints_name not in described:
        described[documents.constraints_name] = documents.suggested(observed.state)
    if evidence.labels:
        described[documents.statistics_name] |= documents.ground_truth(msgspec.to_builtins(evidence.labels))
    return described


def pages_of(
    execution: Execution, observed: Observed, verdict: Verdict, shown: Document, files: Mapping[str, Document]
) -> dict[str, bytes]:
    """The pages for people: ``shown`` is ``execution.json`` as they may see it, ``files`` are the others."""
    monitor, pages = verdict.monitor, dict[str, bytes]()
    if execution.schedule.data_docs and observed.rows:
        about = execution.schedule.name, str(execution.window)
        pages[data_docs.DATA_DOCS] = data_docs.page(monitor, observed.state, *about)
    if execution.writes_page:
        entries = files[MEASURES]["measures"]
        pictures = pictures_of(
            monitor,
            observed.state,
            verdict.findings,
            verdict.measures,
            entries,
            files.get(documents_of(monitor).statistics_name, {}),
            anonymity_for_people(execution),
        )
        pages[REPORT] = report_page(shown, entries, [*files, EXECUTION, *pages], pictures)
    return pages


def note_odds(execution: Execution, baseline: Baseline, verdict: Verdict) -> None:
    """Keep how far beyond chance a window was, for those after it to learn from."""
    if not execution.schedule.learns_from_windows or not execution.is_scheduled:
        return
    options = side_of(execution, baseline).options
    odds_of_window(execution.window, baseline.identity, verdict, options).write(execution.odds)


def reason_of(verdict: Verdict, execution: Execution, collected: Collected) -> str:
    """Why there is no verdict; of a window without requests, where they were looked for, and what there is instead."""
    if verdict.status == executions.NO_DATA and collected.records:
        script = execution.schedule.preprocess.script if execution.schedule.preprocess else ""
        by = f": {script} returned [] for each" if script and not collected.rows + collected.rejected else ""
        why = by or "".join(f": {reason}" for reason in list(collected.reasons)[:1])
        return f"{executions.counted(collected.records, 'record')} of this window made no row to judge{why}"
    looked = searched(execution) if verdict.status == executions.NO_DATA else ""
    return f"{verdict.reason}: {looked}" if looked else verdict.reason


def details(
    documents: Documents[Any], observed: Observed, measures: Measures, anonymity: Anonymity, finding: Finding
) -> Document:
    """What ``execution.json`` says of a finding beyond its numbers: of a violation at least a sentence."""
    own = {} if finding.constraint.check == staleness.STALE else documents.details(finding, observed.state)
    if finding.outcome != "violated" or "sentence" in own:
        return own
    return own | {"sentence": sentence_of(finding, measures, anonymity)}


def details_of_window(
    documents: Documents[Any],
    observed: Observed,
    measures: Measures,
    anonymity: Anonymity,
    slow: Mapping[Key, Slow],
    finding: Finding,
) -> Document:
    """The same of a finding of the window itself, and how slowly it came."""
    own = details(documents, observed, measures, anonymity, finding)
    drift = slow.get(key_of(finding.constraint)) if finding.outcome == "violated" else None
    if drift is None:
        return own
    sentence = f"{own['sentence']}; {drift.words(finding.constraint)}"
    return own | {"sentence": sentence, "slow": {"weeks": drift.weeks, "per_week": drift.per_week}}


def details_beside(documents: Documents[Any], anonymity: Anonymity, one: Beside, finding: Finding) -> Document:
    return details(documents, one.observed, one.measures, anonymity, finding)


def anonymity_of(execution: Execution) -> Anonymity:
    """What a new report leaves out; in SageMaker's mode only what a person asks for, until retention does the rest."""
    for_people = anonymity_for_people(execution)
    is_sagemaker = execution.schedule.options.get("compatibility") == "sagemaker"
    return replace(for_people, fewest=0) if is_sagemaker else for_people


def anonymity_for_people(execution: Execution) -> Anonymity:
    """What sentences and pages leave out, in each mode: retention does not look for texts in them."""
    return Anonymity(private=execution.endpoint.columns.private)


def postprocess(script: str, execution: Execution) -> None:
    """Call a user's script once a report is complete, with SageMaker's variables for output, window and names.

    What it writes below ``metrics/cloudwatch`` of its output is kept with the report, for CloudWatch.
    """
    own = store.join(execution.report, script_metrics.FOLDER)
    for file in store.list_files(own):  # of an earlier call
        store.delete(file.address)
    with store.local_copy(execution.report) as folder:
        variables = {
            "output_path": str(folder),
            "start_time": iso(execution.window.start),
            "end_time": iso(execution.window.end),
            **({"sagemaker_endpoint_name": execution.endpoint.endpoint} if execution.source.names_endpoint else {}),
            "sagemaker_monitoring_schedule_name": execution.schedule.name,
            "publish_cloudwatch_metrics": "Enabled" if execution.schedule.metrics.cloudwatch else "Disabled",
        }
        scripts.postprocess(script, variables)
        for file in store.list_files(str(folder / script_metrics.FOLDER)):
            store.write(store.join(own, store.name_of(file.address)), store.read(file.address))
