"""Write the function that takes everything out of one decoded payload.

A decoded payload is a tree of small structs, and a model names some twenty places in it. A loop over those places
costs more than the JSON parser, so the places are written out as the source of one function, as `dataclasses` does
for `__init__`: plain attribute access, one call for the facts. The names in it come from the catalogue, never from
the data.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Extracted = tuple[str | None, int | None, Any, str | None, str | None, Any, int | None, str | None]
"""Entity id, version, flow key (a string, a list of strings or None), facility, status, facts struct, event time in
microseconds (None when no path gives one) and its basis."""

Taker = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken out of a payload: each value by a dotted path, by a function, or not at all.

    Attributes:
        head: entity id, version, flow key, facility and status.
        facts: type of the facts, None without any.
        envelope: the first fact is the pick job named beside the payload.
        plain: facts taken as they are.
        times: facts that are times.
        rest: facts taken by a function; they come last.
        dates: what can date the event, the best first, each with its quality.
    """

    head: tuple[str | Taker | None, ...]
    facts: Any
    envelope: bool
    plain: Sequence[str]
    times: Sequence[str]
    rest: Sequence[Taker]
    dates: Sequence[tuple[str, str | Taker]]


def compile_extraction(
    wanted: Wanted, parse_time: Callable[[str | None], int | None], lose: Callable[[int], None]
) -> Callable[[Any, str | None], Extracted]:
    """Compile the function `extract(payload, pick_job_ref)`.

    It raises an AttributeError when an object on one of the paths is null, before anything is counted.

    Args:
        wanted: what to take.
        parse_time: reads a time.
        lose: counts optional times that can't be read.
    """
    names: dict[str, Any] = {"parse_time": parse_time, "lose": lose, "Facts": wanted.facts}

    def value(source: str | Taker | None) -> str:
        if source is None:
            return "None"
        if isinstance(source, str):
            return f"payload.{_checked(source)}"
        name = f"take{len(names)}"
        names[name] = source
        return f"{name}(payload)"

    body = [f"id_, version, key, facility, status = {', '.join(value(h) for h in wanted.head)}"]
    texts = []
    if wanted.facts is not None:
        given = ["pick_job_ref"] if wanted.envelope else []
        given += [value(p) for p in wanted.plain]
        for i, path in enumerate(wanted.times):
            body += [f"text{i} = {value(path)}", f"time{i} = parse_time(text{i})"]
            given.append(f"time{i}")
            texts.append(i)
        given += [value(taker) for taker in wanted.rest]
        body.append(f"facts = Facts({', '.join(given)})")
    else:
        body.append("facts = None")
    # All are read before anything is counted: a null object makes the caller extract once more.
    body += [f"date{i} = {value(d)}" for i, (_, d) in enumerate(wanted.dates) if isinstance(d, str)]
    body += [f"if time{i} is None and text{i}: lose(1)" for i in texts]
    for i, (quality, date) in enumerate(wanted.dates):
        found = f"return id_, version, key, facility, status, facts, at, {quality!r}"
        if isinstance(date, str):
            body += [f"if date{i} is not None:", f"    at = parse_time(date{i})", f"    if at is not None: {found}"]
            body.append("    lose(1)")
        else:
            body += [f"at = {value(date)}", f"if at is not None: {found}"]
    body.append("return id_, version, key, facility, status, facts, None, None")
    source = "\n    ".join(["def extract(payload, pick_job_ref=None):", *body])
    exec(compile(source, "<extraction>", "exec"), names)
    made: Callable[[Any, str | None], Extracted] = names["extract"]
    return made


def _checked(path: str) -> str:
    """Give a path back that can stand in source text.

    Raises:
        ValueError: the catalogue names a place that can't.
    """
    if any(not part.isidentifier() or keyword.iskeyword(part) for part in path.split(".")):
        raise ValueError(f"{path!r} is no path of names, expected names joined by dots")
    return path
