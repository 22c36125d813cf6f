"""The catalogue of measures: every KPI of the warehouse, declared once.

The views `kpi_daily` and `kpi_definition`, the page `schemas/docs/kpis.md` and the captions of the dashboard are
derived from it. To add a measure, add its declaration with an example by hand, and run `make docs`.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from schemas.kpis.inbound import INBOUND
from schemas.kpis.intervals import INTERVALS
from schemas.kpis.kpi import DIMENSIONS, Better, Dimensions, Example, Form, Kpi
from schemas.kpis.legs import LEGS
from schemas.kpis.orders_service import ORDERS_SERVICE
from schemas.kpis.orders_time import ORDERS_TIME
from schemas.kpis.orders_volume import ORDERS_VOLUME
from schemas.kpis.parcels import PARCELS
from schemas.kpis.stow import STOW

GROUPS: tuple[tuple[str, tuple[Kpi, ...]], ...] = (
    ("Orders: time", ORDERS_TIME),
    ("Orders: service", ORDERS_SERVICE),
    ("Orders: volume", ORDERS_VOLUME),
    ("Pick jobs", LEGS),
    ("Parcels", PARCELS),
    ("Inbound", INBOUND),
    ("Stow", STOW),
    ("Where the time goes", INTERVALS),
)
"""All measures, by what they are about."""
KPIS = tuple(kpi for _, group in GROUPS for kpi in group)
BY_KEY = {kpi.key: kpi for kpi in KPIS}
DURATION_KPIS = tuple(kpi for kpi in KPIS if kpi.form is Form.DURATION)
"""Measures that have percentiles."""

__all__ = (
    "BY_KEY", "DIMENSIONS", "DURATION_KPIS", "GROUPS", "KPIS", "Better", "Dimensions", "Example", "Form", "Kpi",
)  # fmt: skip
