"""Stow: how long goods wait for their place, and how fast they get there. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Kpi, Measures

_STOW = Measures("stow_flow")
_DONE = Measures("stow_flow", "outcome = 'fulfilled'")


def _plain(key: str, name: str, question: str, column: str, nulls: str, standard: str = "") -> Kpi:
    example = Example(({column: 120.0}, {column: 240.0}, {}), "(120 + 240) / 2", 180, 360, 2, excluded=1, p50=120)
    return _STOW.duration(key, name, question, column, nulls, example, standard=standard)


STOW = (
    _plain(
        "put_away_time",
        "Put-away time",
        "How long from asking for it until goods are in their place?",
        "stow_total_seconds",
        "Stow jobs that are not closed, or whose creation is unknown, are excluded.",
        "Warehouse usage: Put-away Cycle Time",
    ),
    _plain(
        "stow_queue_time",
        "Stow queue time",
        "How long does a stow job wait for somebody to begin?",
        "stow_wait_seconds",
        "Stow jobs that were not started, or whose creation is unknown, are excluded.",
    ),
    _plain(
        "net_stow_time",
        "Net stow time",
        "How long is a job stowed, without pauses?",
        "stow_duration_net_seconds",
        "Stow jobs that are not closed, or whose start is unknown, are excluded.",
    ),
    _DONE.rate(
        "lines_stowed_per_hour",
        "Lines put away per hour",
        "How many lines are put away in an hour of stowing without pauses?",
        "line_count",
        "stow_duration_net_seconds",
        "lines/h",
        "Excluded: jobs whose lines or net time are unknown, and those with no time at all.",
        Example(
            (
                {"outcome": "fulfilled", "line_count": 4, "stow_duration_net_seconds": 600.0},
                {"outcome": "fulfilled", "line_count": 2, "stow_duration_net_seconds": 480.0},
                {"outcome": "fulfilled", "line_count": 2},
            ),
            "3600 * (4 + 2) / (600 + 480)",
            20,
            6,
            1080,
            excluded=1,
        ),
        judged="line_count IS NOT NULL AND stow_duration_net_seconds > 0",
        scale=3600,
        standard="WERC: Put-aways per Hour, by hours of stowing; who stows is not in the facts",
        column="stow_duration_net_seconds",
    ),
    _STOW.rate(
        "units_stowed_per_hour",
        "Units put away per hour",
        "How many units are put away in an hour of stowing without pauses?",
        "stowed_units",
        "stow_duration_net_seconds",
        "units/h",
        "Excluded: jobs whose units or net time are unknown, and those with no time at all.",
        Example(
            (
                {"stowed_units": 30.0, "stow_duration_net_seconds": 600.0},
                {"stowed_units": 10.0, "stow_duration_net_seconds": 300.0},
                {"stowed_units": 10.0},
            ),
            "3600 * (30 + 10) / (600 + 300)",
            160,
            40,
            900,
            excluded=1,
        ),
        judged="stowed_units IS NOT NULL AND stow_duration_net_seconds > 0",
        scale=3600,
        column="stow_duration_net_seconds",
    ),
    _STOW.share(
        "stow_on_time",
        "Stow jobs on time",
        "What share of stow jobs is closed by its target?",
        "stow_lateness_seconds <= 0",
        "Jobs that are not closed, or without a target, are excluded.",
        Example(
            ({"stow_lateness_seconds": -30.0}, {"stow_lateness_seconds": 30.0}, {}), "1 / 2", 0.5, 1, 2, excluded=1
        ),
        judged="stow_lateness_seconds IS NOT NULL",
        column="stow_lateness_seconds",
    ),
    _DONE.rate(
        "stow_fill_rate",
        "Put-away completeness",
        "What share of the planned units of closed jobs came into stock?",
        "stowed_units",
        "planned_units",
        "ratio",
        "Closed jobs whose units are unknown, or without any planned, are excluded.",
        Example(
            (
                {"outcome": "fulfilled", "planned_units": 20.0, "stowed_units": 19.0},
                {"outcome": "fulfilled", "planned_units": 5.0, "stowed_units": 5.0},
                {"outcome": "fulfilled", "planned_units": 0.0, "stowed_units": 0.0},
                {"outcome": "open", "planned_units": 5.0, "stowed_units": 0.0},
            ),
            "(19 + 5) / (20 + 5)",
            0.96,
            24,
            25,
            excluded=1,
        ),
        judged="planned_units > 0 AND stowed_units IS NOT NULL",
    ),
    _STOW.rate(
        "discard_rate",
        "Discard rate",
        "What share of the units that were moved was booked out?",
        "discarded_units",
        "stowed_units + discarded_units",
        "ratio",
        "Jobs that have moved nothing are excluded.",
        Example(
            (
                {"stowed_units": 97.0, "discarded_units": 3.0},
                {"stowed_units": 0.0, "discarded_units": 0.0},
            ),
            "3 / (97 + 3)",
            0.03,
            3,
            100,
            excluded=1,
        ),
        judged="stowed_units + discarded_units > 0",
        better=Better.LOWER,
    ),
    _STOW.share(
        "stow_reopen_rate",
        "Stow reopen rate",
        "What share of stow jobs was opened again after its end?",
        "reopen_count > 0",
        "None: every stow job is judged.",
        Example(({"reopen_count": 1}, {"reopen_count": 0}), "1 / 2", 0.5, 1, 2),
        judged="reopen_count IS NOT NULL",
        better=Better.LOWER,
        standard="Lean: Rework Rate",
    ),
)
"""Measures of stow jobs."""
