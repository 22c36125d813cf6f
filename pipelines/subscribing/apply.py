"""Carries a plan out: look, act, look again, until nothing is left to do.

Nothing is remembered between runs. A run that was killed, or whose answers were lost, is made up for by the next look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.subscribing.options import SubscribeOptions
from pipelines.subscribing.plan import Plan, Step, make_plan, make_removal, wanted
from pipelines.subscribing.platform import ConflictError, Platform, UnsureError

_BARREN_ROUNDS: Final = 6
"""After how many rounds in which nothing could be done it gives up."""


@dataclass(slots=True)
class Done:
    """What was done.

    Attributes:
        made, removed: names of subscriptions.
        left: what could not be done.
        plan: what the last look has shown.
        retries: attempts that have failed.
    """

    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    retries: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON."""
        return {
            "made": self.made,
            "removed": self.removed,
            "left": [f"{s.event}: {s.why}" for s in self.left],
            "kept": self.plan.kept,
            "others": self.plan.others,
            "retries": self.retries,
        }


def look(options: SubscribeOptions, platform: Platform, *, remove: bool) -> Plan:
    """Compare what is there with what is wanted.

    Raises:
        PlatformError: it can't be seen.
    """
    return (make_removal if remove else make_plan)(options, platform.subscriptions())


def carry_out(
    options: SubscribeOptions, platform: Platform, *, remove: bool, tell: Callable[[Step], None] = lambda step: None
) -> Done:
    """Do what is to be done.

    Raises:
        PlatformError: the platform refuses, or can't be reached for long; what was done stays.
    """
    done = Done()
    swap: set[str] = set()
    refused: dict[str, Step] = {}
    tried: dict[str, str] = {}
    steps: list[Step] = []
    barren = 0
    while barren < _BARREN_ROUNDS:
        if barren:
            platform.sleep(min(30.0, platform.pause * 2 ** (barren - 1)))
        so_far = len(done.made) + len(done.removed)
        done.plan = look(options, platform, remove=remove)
        steps = [s for s in done.plan.steps if s.about != "blocked" and s.event not in refused]
        if not steps:
            break
        # Where the platform takes no second one of the same name, the old one goes first.
        steps.sort(key=lambda s: s.about == "create" and s.event in swap)
        for step in steps:
            tell(step)
            tried[step.name] = step.about
            try:
                _act(options, platform, step, done)
            except ConflictError as err:
                if step.event in swap or sum(s.event == step.event for s in steps) == 1:
                    refused[step.event] = Step("blocked", step.event, step.name, f"the platform refuses it: {err}")
                swap.add(step.event)
            except UnsureError:
                done.retries += 1  # the next look tells whether it was done
        barren = 0 if len(done.made) + len(done.removed) > so_far else barren + 1
    done.left = [*(s for s in done.plan.steps if s.about == "blocked"), *refused.values(), *steps]
    open_names = {s.name for s in done.left}
    done.made += [n for n, about in tried.items() if about == "create" and n not in {*done.made, *open_names}]
    done.retries += platform.retries
    return done


def _act(options: SubscribeOptions, platform: Platform, step: Step, done: Done) -> None:
    if step.about == "create":
        platform.create(wanted(options, step.event))
        done.made.append(step.name)
    elif step.id is not None:
        platform.delete(step.id, step.name)
        done.removed.append(step.name)
