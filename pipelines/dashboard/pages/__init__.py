"""The pages: each a module with its questions (SQL) first and the page that shows the answers."""

from __future__ import annotations

from pipelines.dashboard.model import PageOf
from pipelines.dashboard.pages import carriers, inbound, orders, overview, quality, split, stages, stow, wip

PAGES: tuple[PageOf, ...] = (
    PageOf("overview", "Overview", overview.build),
    PageOf("orders", "Orders", orders.build),
    PageOf("time", "Time and slack", split.build),
    PageOf("stages", "Stages and bottlenecks", stages.build, known={"flow": stages.FLOWS, "stage": stages.STAGES}),
    PageOf("wip", "Work in progress", wip.build, uses=("facility",), known={"flow": stages.FLOWS, "at": None}),
    PageOf("inbound", "Inbound", inbound.build, uses=("facility", "outcome")),
    PageOf("stow", "Stow", stow.build, uses=("facility", "outcome")),
    PageOf("carriers", "Carriers", carriers.build, uses=("facility",)),
    PageOf("quality", "Quality and books", quality.build, uses=()),
)
"""All pages but the explorer, in the order of the menu."""

BY_PATH = {page.path: page for page in PAGES}
