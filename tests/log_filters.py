"""Evaluates the filters of log-based metrics on the lines that the jobs print, as Cloud Logging would.

It knows the part of the language that the filters use: `path operator value`, joined by AND, `path=(a OR b)` and the
test for presence `path:*`. A comparison with a field that is not there is false. Anything else is refused.
"""

import json
import re
from pathlib import Path

SIGNALS = json.loads(
    (Path(__file__).parents[1] / "deploy/terraform/modules/monitoring/signals.json").read_text(encoding="utf-8")
)
_CLAUSE = re.compile(r"jsonPayload\.([a-z_.]+)(<=|>=|!=|=|<|>|:)(.+)")
_COMPARE = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def matching(entry, **limits):
    """Give the names of the metrics that count this line of JSON; `limits` replace the default limits."""
    payload = json.loads(entry)
    return {n for n, m in SIGNALS["metrics"].items() if _matches(_set("".join(m["filter"]), limits), payload)}


def alerts(entry, **limits):
    """Give the names of the alerts that this line raises."""
    counted = matching(entry, **limits)
    return {n for n, a in SIGNALS["alerts"].items() if a["absent_seconds"] is None and a["metric"] in counted}


def _set(text, limits):
    for name, value in {**SIGNALS["limits"], **limits}.items():
        text = text.replace("{" + name + "}", str(value))
    assert "{" not in text, f"a limit that nobody sets: {text}"
    return text


def _matches(text, payload):
    return all(_clause(c, payload) for c in text.split(" AND "))


def _clause(clause, payload):
    found = _CLAUSE.fullmatch(clause)
    assert found, f"not understood: {clause}"
    path, operator, value = found.groups()
    there = payload
    for step in path.split("."):
        there = there.get(step) if isinstance(there, dict) else None
    if there is None:
        return False
    if operator == ":":
        assert value == "*", clause
        return True
    values = value[1:-1].split(" OR ") if value.startswith("(") else [value]
    wanted = [json.loads(v) for v in values]
    assert all(type(v) is type(there) or {type(v), type(there)} == {int, float} for v in wanted), (
        f"{clause} compares with {there!r}"
    )
    return any(_COMPARE[operator](there, v) for v in wanted)
