"""What the local runner asks of every step for every bundle, found once.

For each bundle of each step the runner looks at the signature of every method of the step's DoFn, some forty, to see
whether it has state or timers: a third of the processor time of a busy stream, nine tenths of one with few messages.
The answer is the same for all DoFns of a class, but for those that wrap a function (`beam.Map`), of which Beam's own
way is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apache_beam.runners.direct import transform_evaluator
from apache_beam.transforms import core, userstate

_signature_of = core.get_signature
_specs_of = userstate.get_dofn_specs


def _remembered(find: Callable[[Any], Any], key: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let the answers be found once a key; what has none is asked each time."""
    found: dict[Any, Any] = {}

    def ask(thing: Any) -> Any:
        of = key(thing)
        if of is None:
            return find(thing)
        if of not in found:
            found[of] = find(thing)
        return found[of]

    return ask


def _method(function: Any) -> tuple[Any, type] | None:
    """Give the function of a bound method and the class of its object; None for any other."""
    plain = getattr(function, "__func__", None)
    return None if plain is None else (plain, type(function.__self__))


def _own_class(dofn: Any) -> type | None:
    """Give the class of a DoFn whose methods are those of the class."""
    return None if "process" in vars(dofn) else type(dofn)


@contextmanager
def signatures_remembered() -> Iterator[None]:
    """Let Beam find the signatures of each class once, while the context lasts."""
    core.get_signature = _remembered(_signature_of, _method)
    userstate.get_dofn_specs = transform_evaluator.get_dofn_specs = _remembered(_specs_of, _own_class)
    try:
        yield
    finally:
        core.get_signature = _signature_of
        userstate.get_dofn_specs = transform_evaluator.get_dofn_specs = _specs_of
