"""Stretches of time: how much of it is work. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Kpi, Measures
from schemas.vocabulary import StageKind

_TOLD = {
    StageKind.WORKING: (
        "flow efficiency",
        "somebody works",
        Better.HIGHER,
        "Lean: Flow Efficiency (process cycle efficiency)",
    ),
    StageKind.WAITING: ("waiting share", "work waits to begin", Better.LOWER, ""),
    StageKind.PAUSED: ("pause share", "work is paused", Better.LOWER, ""),
    StageKind.BLOCKED: ("blocked share", "work is blocked", Better.LOWER, ""),
}
_FLOWS = {"order": "Order", "inbound": "Inbound", "stow": "Stow"}


def _share(flow: str, kind: StageKind) -> Kpi:
    told, what, better, standard = _TOLD[kind]
    other = StageKind.WAITING if kind is StageKind.WORKING else StageKind.WORKING
    return Measures("flow_interval", f"flow = '{flow}'").rate(
        f"{flow}_{told.replace(' ', '_')}",
        f"{_FLOWS[flow]} {told}",
        f"In what share of the time of all stages of {flow} flows is it that {what}?",
        f"IF(kind = '{kind.value}', seconds, 0)",
        "seconds",
        "ratio",
        "Stretches that last are excluded. Entities run side by side: it is their time, not that of the clock.",
        Example(
            (
                {"flow": flow, "kind": kind.value, "seconds": 300.0},
                {"flow": flow, "kind": other.value, "seconds": 900.0},
                {"flow": flow, "kind": kind.value},
            ),
            "300 / (300 + 900)",
            0.25,
            300,
            1200,
            excluded=1,
        ),
        judged="seconds IS NOT NULL",
        better=better,
        standard=standard,
    )


INTERVALS = tuple(
    _share(flow, kind)
    for flow in _FLOWS
    for kind in StageKind
    # No stage of these flows is ever of this kind.
    if (flow, kind) not in {("inbound", StageKind.PAUSED), ("stow", StageKind.BLOCKED)}
)
"""Measures of the stages' time."""
