"""The first schema: its tables, and the views that tools for charts and tables read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
TEXT = sa.String()

WINDOW_STATUS = """
CREATE VIEW window_status AS
SELECT s.endpoint, s.variant, s.name AS schedule, s.monitor, e.window_start, e.window_end, e.status, e.reason,
       e.violations, e.undefined, e.records, e.duplicates, e.rejected, e.judged, e.unusable,
       e.label_state, e.label_coverage, e.labels_as_of, e.baseline, e.report
FROM executions e JOIN schedules s ON s.id = e.schedule_id
"""

METRIC_VALUES = """
CREATE VIEW metric_values AS
SELECT s.endpoint, s.variant, s.name AS schedule, s.monitor, m.window_start, m.window_end,
       m.name AS metric, m.column_name, m.segment, m.value, m.low, m.high, m.row_count,
       m.threshold_low, m.threshold_high, m.noise_floor, m.outcome, m.reason, e.status, e.label_state, e.baseline
FROM metrics m JOIN executions e ON e.id = m.execution_id JOIN schedules s ON s.id = m.schedule_id
"""

OPEN_ALERTS = """
CREATE VIEW open_alerts AS
SELECT i.id AS incident, i.endpoint, i.variant, i.kind, i.cause, i.severity, i.owner, i.schedules,
       i.since, i.opened, i.last,
       i.snoozed_until, i.muted, c.sentence, t.kind AS last_transition, t.at AS last_transition_at, t.made_by,
       t.sentence AS last_sentence
FROM incidents i
LEFT JOIN transitions t ON t.id = (SELECT max(newest.id) FROM transitions newest WHERE newest.incident_id = i.id)
LEFT JOIN transitions c ON c.id = (
  SELECT max(causal.id) FROM transitions causal
  WHERE causal.incident_id = i.id AND causal.kind IN ('opened', 'escalated') AND causal.sentence <> '')
WHERE i.closed IS NULL
"""


def upgrade() -> None:
    make_judged()
    make_decided()
    make_told()
    for view in (WINDOW_STATUS, METRIC_VALUES, OPEN_ALERTS):
        op.execute(view)


def make_judged() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("monitor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("endpoint", "name", name="uq_schedules_endpoint_name"),
    )
    op.create_table(
        "executions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=True),
        sa.Column("unusable", sa.BigInteger(), nullable=False),
        sa.Column("violations", sa.Integer(), nullable=False),
        sa.Column("undefined", sa.Integer(), nullable=False),
        sa.Column("label_state", TEXT, nullable=True),
        sa.Column("label_coverage", sa.Double(), nullable=True),
        sa.Column("labels_as_of", MOMENT, nullable=True),
        sa.Column("baseline", TEXT, nullable=True),
        sa.Column("report", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_executions_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_executions"),
        sa.UniqueConstraint(
            "schedule_id", "window_start", "window_end", name="uq_executions_schedule_id_window_start_window_end"
        ),
    )
    op.create_index("ix_executions_window_start", "executions", ["window_start"])
    op.create_table(
        "verdicts",
        sa.Column("execution_id", KEY, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("labels_as_of", MOMENT, nullable=True),
        sa.Column("label_state", TEXT, nullable=True),
        sa.Column("label_coverage", sa.Double(), nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("violations", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_verdicts_execution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "version", name="pk_verdicts"),
    )
    op.create_table(
        "metrics",
        sa.Column("execution_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("column_name", TEXT, nullable=True),
        sa.Column("segment", TEXT, nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("threshold_low", sa.Double(), nullable=True),
        sa.Column("threshold_high", sa.Double(), nullable=True),
        sa.Column("noise_floor", sa.Double(), nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_metrics_execution_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_metrics_schedule_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id", "position", name="pk_metrics"),
    )
    op.create_index("ix_metrics_schedule_id_series_window_start", "metrics", ["schedule_id", "series", "window_start"])
    op.create_table(
        "findings",
        sa.Column("execution_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("check_name", TEXT, nullable=False),
        sa.Column("measure", TEXT, nullable=False),
        sa.Column("column_name", TEXT, nullable=True),
        sa.Column("segment", TEXT, nullable=True),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("observed", sa.Double(), nullable=True),
        sa.Column("threshold_low", sa.Double(), nullable=True),
        sa.Column("threshold_high", sa.Double(), nullable=True),
        sa.Column("noise_floor", sa.Double(), nullable=True),
        sa.Column("distance", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_findings_execution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "position", name="pk_findings"),
    )


def make_decided() -> None:
    op.create_table(
        "baselines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("created", MOMENT, nullable=True),
        sa.Column("judged", sa.BigInteger(), nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=True),
        sa.Column("decided_by", TEXT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("why", TEXT, nullable=True),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_baselines_schedule_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint("schedule_id", "version", name="uq_baselines_schedule_id_version"),
    )


def make_told() -> None:
    op.create_table(
        "outcomes",
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("schedule", TEXT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("trouble", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("subjects", TEXT, nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "variant", "schedule", "window_end", "window_start", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_endpoint_variant_window_end", "outcomes", ["endpoint", "variant", "window_end"])
    op.create_table(
        "incidents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("schedule", TEXT, nullable=False),
        sa.Column("schedules", TEXT, nullable=False),
        sa.Column("subjects", TEXT, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("opened", MOMENT, nullable=False),
        sa.Column("last", MOMENT, nullable=False),
        sa.Column("closed", MOMENT, nullable=True),
        sa.Column("snoozed_until", MOMENT, nullable=True),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_endpoint_variant_opened", "incidents", ["endpoint", "variant", "opened"])
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["endpoint"],
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_table(
        "transitions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("window_start", MOMENT, nullable=True),
        sa.Column("window_end", MOMENT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("made_by", TEXT, nullable=False),
        sa.Column("sentence", TEXT, nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("message", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_transitions_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
    )
    op.create_index("ix_transitions_incident_id", "transitions", ["incident_id"])
    op.create_table(
        "deliveries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("transition_id", KEY, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["transition_id"], ["transitions.id"], name="fk_deliveries_transition_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("transition_id", "destination", name="uq_deliveries_transition_id_destination"),
    )
    op.create_index("ix_deliveries_state_next_at", "deliveries", ["state", "next_at"])
