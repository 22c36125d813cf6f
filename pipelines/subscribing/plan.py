"""What differs between the subscriptions that are there and those that are wanted: pure comparison, no calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pipelines.subscribing.options import SubscribeOptions

MOST: Final = 5
"""Subscriptions that the platform allows for one event name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done.

    Attributes:
        about: `create`, `remove`, or `blocked` when it can't be done.
        event: name of the event.
        name: name of the subscription.
        why: in words.
        id: of the subscription that is removed.
    """

    about: str
    event: str
    name: str
    why: str
    id: str | None = None


@dataclass(slots=True)
class Plan:
    """What is to be done, in order, and what need not be.

    Attributes:
        steps: in the order in which they are done.
        kept: own subscriptions that are as they should be.
        others: subscriptions that are not ours, which are never touched.
    """

    steps: list[Step] = field(default_factory=list)
    kept: int = 0
    others: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self)


def name_of(options: SubscribeOptions, event: str) -> str:
    """Give the name of our own subscription for an event."""
    return f"{options.prefix}-{event}"


def wanted(options: SubscribeOptions, event: str) -> dict[str, Any]:
    """Give a subscription as the API takes it."""
    body: dict[str, Any] = {
        "name": name_of(options, event),
        "event": event,
        "target": {"type": "GOOGLE_CLOUD_PUB_SUB", "projectId": options.project, "topicId": options.topic},
    }
    contexts = options.contexts()
    return {**body, "contexts": contexts} if contexts else body


def is_own(options: SubscribeOptions, subscription: Mapping[str, Any]) -> bool:
    """Say whether a subscription was made by us: its name is our prefix with the name of its own event."""
    return subscription.get("name") == name_of(options, str(subscription.get("event")))


def differs(options: SubscribeOptions, found: Mapping[str, Any]) -> str | None:
    """Say how a subscription of ours differs from what is wanted; None when it does not."""
    body = wanted(options, str(found["event"]))
    target = found.get("target") or {}
    for key in ("type", "projectId", "topicId"):
        if target.get(key) != body["target"][key]:
            return f"its {key} is {target.get(key)}, wanted {body['target'][key]}"
    if _plain(found.get("contexts")) != _plain(body.get("contexts")):
        return "it is for other facilities"
    return None


def _plain(contexts: Any) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((str(c.get("type")), tuple(sorted(c.get("values") or ()))) for c in contexts or ())


def make_plan(options: SubscribeOptions, existing: Iterable[Mapping[str, Any]]) -> Plan:
    """Compare what is there with what is wanted.

    One of ours that differs is replaced: the new one is made first, so that no event is missed between; an event that
    comes twice does no harm. Only where the platform has no room for one more, the old one goes first.
    """
    plan = Plan()
    own: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    strangers: dict[str, list[str]] = defaultdict(list)
    for subscription in existing:
        event = str(subscription.get("event"))
        count[event] += 1
        if is_own(options, subscription):
            own[event].append(subscription)
        else:
            plan.others += 1
            strangers[event].append(str(subscription.get("name")))
    events = options.events()
    for event in events:
        _one(options, plan, event, own.pop(event, []), count[event], strangers[event])
    for event, found in own.items():
        plan.steps += [_remove(s, event, "its event is not asked for any more") for s in found]
    return plan


def _one(
    options: SubscribeOptions, plan: Plan, event: str, found: list[Mapping[str, Any]], count: int, strangers: list[str]
) -> None:
    right = [s for s in found if differs(options, s) is None]
    wrong = [_remove(s, event, differs(options, s) or "") for s in found if differs(options, s) is not None]
    if right:
        plan.kept += 1
        plan.steps += wrong + [_remove(s, event, "it is there twice") for s in right[1:]]
        return
    name = name_of(options, event)
    create = Step("create", event, name, "it takes the place of another" if wrong else "it is missing")
    if count >= MOST and not wrong:
        names = ", ".join(sorted(strangers)[:MOST])
        told = f"the platform allows {MOST} subscriptions of an event, and others have them: {names}"
        plan.steps.append(Step("blocked", event, name, told))
    elif count >= MOST:
        plan.steps += [*wrong, create]
    else:
        plan.steps += [create, *wrong]


def make_removal(options: SubscribeOptions, existing: Iterable[Mapping[str, Any]]) -> Plan:
    """Plan to remove all of ours, whatever events they are for."""
    plan = Plan()
    for subscription in existing:
        if is_own(options, subscription):
            plan.steps.append(_remove(subscription, str(subscription["event"]), "it is ours"))
        else:
            plan.others += 1
    return plan


def _remove(subscription: Mapping[str, Any], event: str, why: str) -> Step:
    return Step("remove", event, str(subscription["name"]), why, str(subscription["id"]))
