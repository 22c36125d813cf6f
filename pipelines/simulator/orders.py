"""Orders of a simulated tenant: stories of the order flow, with the rows of the contract that must come out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from pipelines.simulator.model import Story
from pipelines.simulator.orders_draw import Draw
from pipelines.simulator.orders_emit import emissions
from pipelines.simulator.orders_fragments import Mill
from pipelines.simulator.orders_model import Line, Moment, Order, PickJob
from pipelines.simulator.orders_payloads import Papers
from pipelines.simulator.orders_picking import ABORTED, CANCELED, COMMENCED, CREATED, REROUTED, Shelf, pick, untouched
from pipelines.simulator.orders_times import HOUR, MINUTE, SECOND
from pipelines.simulator.orders_traits import Traits, draw_traits, early_traits, uuid
from pipelines.simulator.orders_truth import OrderTruth, orphan_rows
from pipelines.simulator.world import World

EARLY_SHARE = 0.03
"""Share of the orders of the first day that begin before the data."""
ORPHAN_SHARE = 0.003
"""Share of pick jobs made by hand: no order, no process, no reference that leads to one."""
SHARED_SHARE = 0.01
"""Share of orders whose reservation also serves the order before."""

_TOUCHED = frozenset((COMMENCED, ABORTED, REROUTED, CANCELED))


def order_stories(
    rng: random.Random, world: World, day_start: int, count: int, horizon: int, as_of: int
) -> Iterator[Story]:
    """Draw the orders of one day.

    Args:
        rng: source of all chance; the same state gives the same stories.
        world: facilities, carriers, articles and people.
        day_start: first instant of the day.
        count: how many stories to draw.
        horizon: what is recorded later has not happened yet.
        as_of: instant the facts are a function of.
    """
    mill = Mill(world, rng)
    first: int | None = getattr(world, "data_start", None)
    waiting: tuple[Order, Papers] | None = None
    for _ in range(count):
        chance = rng.random()
        if chance < ORPHAN_SHARE:
            yield _orphan(rng, world, mill, day_start + world.daily_minutes(rng), first or 0, horizon)
            continue
        if first is not None and day_start <= first and chance > 1 - EARLY_SHARE:
            order, papers = _early(rng, world, mill, first)
        else:
            created = day_start + world.daily_minutes(rng)
            if created > horizon:
                continue
            order, papers = _draw(rng, world, mill, created, draw_traits(rng))
        if waiting is not None and rng.random() < SHARED_SHARE:
            _share(waiting[0], order, first or 0)
        _observe(order, first or 0, horizon)
        # One order is held back, so that the next can name it in a reservation before its truth is read.
        if waiting is not None:
            yield _tell(rng, *waiting, as_of)
        waiting = order, papers
    if waiting is not None:
        yield _tell(rng, *waiting, as_of)


def _draw(rng: random.Random, world: World, mill: Mill, created: int, traits: Traits) -> tuple[Order, Papers]:
    draw = Draw(rng, world, traits)
    order = draw.draw(created)
    return order, Papers(mill, rng, order, draw.clock.text, draw.carrier)


def _early(rng: random.Random, world: World, mill: Mill, first: int) -> tuple[Order, Papers]:
    """Draw an order that is under way when the data begins, but not yet being picked."""
    while True:
        traits = early_traits(rng)
        ago = rng.random() * 4 * SECOND if rng.random() < 0.4 else rng.random() * 12 * HOUR
        order, papers = _draw(rng, world, mill, first - int(ago), traits)
        touched = [m.recorded for job in order.jobs for m in job.moments if m.name in _TOUCHED]
        last = max(m.recorded for plan in order.plans for m in plan.moments) if order.plans else 0
        begun = order.moments[0].recorded < first
        if begun and first < min(touched, default=last) and (touched or last > first):
            return order, papers


def _share(earlier: Order, order: Order, first: int) -> None:
    """Let an item of an order's reservation serve the order before, too, if that one is known by then."""
    batches = [b for b in order.reservations if b.items[0].processes]
    created = earlier.moments[0].recorded
    if not batches or not first <= created < batches[0].moments[0].recorded:
        return
    batch = batches[0]
    names = (order.process, earlier.process)
    batch.items[0] = batch.items[0]._replace(processes=names, flows=names)
    earlier.foreign.append(batch)


def _observe(order: Order, first: int, horizon: int) -> None:
    """Keep what was recorded inside the data; here and there a clock runs ahead of the recorder."""
    if order.skewed:
        _skew(order, first, horizon)
    for entity in order.entities():
        entity.observe(first, horizon)


def _skew(order: Order, first: int, horizon: int) -> None:
    """Let the recorded time of one event lie well before its time, but no event appear or vanish by that."""
    for entity in (*order.handovers, *order.packs, *order.plans, *order.jobs):
        for moment in entity.moments:
            usual = moment.basis != "recorded" and not moment.name.startswith(("PICK_JOB_PICK_LINE", "PICKING_"))
            if usual and first + HOUR < moment.recorded <= horizon:
                moment.recorded = moment.at - 6 * MINUTE - moment.at % (5 * MINUTE)
                return


def _tell(rng: random.Random, order: Order, papers: Papers, as_of: int) -> Story:
    story = Story(list(emissions(rng, order, papers)), OrderTruth(order, as_of).rows())
    story.emissions.sort(key=lambda e: e.recorded_at)
    return story


def _orphan(rng: random.Random, world: World, mill: Mill, instant: int, first: int, horizon: int) -> Story:
    """Draw a pick job without process and without anything that leads to one."""
    traits = replace(draw_traits(rng), complete="", reset="")
    draw = Draw(rng, world, traits)
    order, clock = draw.order, draw.clock
    order.tenant_order_id = f"X{rng.getrandbits(36):011d}"
    order.ordered_at, order.target = clock.grain(instant - MINUTE), clock.grain(instant + 8 * HOUR)
    article = world.articles[rng.randrange(len(world.articles))]
    shown = {"tenantArticleId": article.tenant_article_id, "title": article.title}
    lines = [Line(uuid(rng), shown, 1 + rng.randrange(3), uuid(rng)) for _ in range(1 + rng.randrange(3))]
    job = PickJob("PICK_JOB", uuid(rng), draw.facility(), lines=lines, target=order.target, resolvable=False)
    job.user = world.user(rng)
    order.jobs.append(job)
    created: Moment = clock.mark(job, CREATED, instant, "OPEN", Shelf(untouched(job)))
    start = draw.open_at(job.facility, created.recorded + clock.wait(1200, 6 * 3600) + SECOND)
    pick(clock, job, start, "full" if rng.random() < 0.8 else "short", traits)
    _observe(order, first, horizon)
    papers = Papers(mill, rng, order, clock.text, draw.carrier)
    story = Story(list(emissions(rng, order, papers)), orphan_rows(order) if job.seen else {})
    story.emissions.sort(key=lambda e: e.recorded_at)
    return story
