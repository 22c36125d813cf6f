"""The web application: routes, and nothing that could change or reach more than the warehouse it was given.

Reads only (GET and HEAD). Every header forbids scripts, styles and requests that are not the application's own, and a
request for another host name is refused, so that a page elsewhere can't read this one through the browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pipelines.dashboard.downloads import drained, write_csv
from pipelines.dashboard.explorer import explore
from pipelines.dashboard.filters import NONE, Choices, Filters, choices, read
from pipelines.dashboard.model import PageOf
from pipelines.dashboard.pages import BY_PATH, PAGES
from pipelines.dashboard.templating import HERE, templates
from pipelines.dashboard.zones import UNKNOWN, Zones, read_zones
from pipelines.doors import Door, DoorError
from transforms.calendar import zone_of

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LONGEST_ADDRESS = 4000


class Dashboard:
    """The dashboard over one warehouse.

    Args:
        door: the warehouse.
        zone: one time zone for all facilities; None for those of the calendar.
    """

    def __init__(self, door: Door, zone: ZoneInfo | None) -> None:
        self.door, self.zone = door, zone
        self.env = templates()

    def application(self, hosts: list[str]) -> Starlette:
        """Make the web application.

        Args:
            hosts: names by which it may be asked; * is any.
        """
        routes = [
            Route("/", lambda request: RedirectResponse("/overview", 302)),
            Route("/explorer", self._guarded(self.explorer)),
            Route("/explorer.json", self._guarded(self.explorer_json)),
            Route("/health", self._guarded(self.health)),
            Route("/download/{page}/{table}.csv", self._guarded(self.download)),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            Route("/{page}", self._guarded(self.page)),
        ]
        app = Starlette(
            routes=routes,
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
            exception_handlers={404: self.missing, 405: self.missing, 500: self.failed},
        )
        return app

    # -- answers ----------------------------------------------------------------------------------------------

    def page(self, request: Request) -> Response:
        """Show a page."""
        page = BY_PATH.get(request.path_params["page"])
        if page is None:
            return self.missing(request, None)
        there, filters = self._filters(request, page)
        content = page.build(self.door, filters)
        zones = read_zones(self.door, self.zone)
        return self._show("page.html", page.path, zones=zones, there=there, f=filters, page=page, content=content)

    def explorer(self, request: Request) -> Response:
        """Show the explorer."""
        there = choices(self.door)
        asked, chosen = request.query_params.get("q", ""), request.query_params.get("flow_id", "")
        since = datetime.combine(there.last - timedelta(days=1), time.min, UTC)
        zones = read_zones(self.door, self.zone)
        found = explore(self.door, asked, chosen, zones, since)
        if found.told is not None:  # one timeline has one clock
            zones = zones.only(found.told.row["facility_ref"])
        status = 200 if found.told is not None or not asked.strip() else 404
        return self._show("explorer.html", "explorer", status, zones=zones, x=found, there=there)

    def explorer_json(self, request: Request) -> Response:
        """Give the derivation as JSON, as `flowfacts explain --json` does."""
        from pipelines.explain_text import as_json

        asked, chosen = request.query_params.get("q", ""), request.query_params.get("flow_id", "")
        found = explore(self.door, asked, chosen, read_zones(self.door, self.zone), datetime.now(UTC))
        if found.told is None:
            return Response(json.dumps({"error": "nothing answers to this number"}), 404, _HEADERS, "application/json")
        name = _file_name(f"{found.told.flow}-{found.told.number}.json")
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(as_json(found.told), 200, headers, "application/json")

    def download(self, request: Request) -> Response:
        """Give a table of a page as CSV, whole."""
        page = BY_PATH.get(request.path_params["page"])
        if page is None:
            return self.missing(request, None)
        _, filters = self._filters(request, page)
        panels = page.build(self.door, filters).panels
        table = next((p.table for p in panels if p.table and p.table.key == request.path_params["table"]), None)
        if table is None:
            return self.missing(request, None)
        rows: Iterator[Mapping[str, Any]] = iter(table.rows)
        if table.sql:
            rows = self.door.stream(table.sql, **table.bound)
        name = _file_name(f"{page.path}-{table.key}-{filters.first}-{filters.last}.csv")
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        file = write_csv(table, rows)
        return StreamingResponse(drained(file), 200, headers, "text/csv; charset=utf-8")

    def health(self, request: Request) -> Response:
        """Say whether the warehouse answers."""
        self.door.ask("SELECT COUNT(*) AS n FROM pipeline_run")
        return Response("ok\n", 200, _HEADERS, "text/plain")

    def missing(self, request: Request, error: Exception | None) -> Response:
        """Say that there is no such page."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._show("message.html", "", status, title="There is no such page",
                          text="The address may be cut short. Every page is in the menu above.")  # fmt: skip

    def failed(self, request: Request, error: Exception) -> Response:
        """Say that something went wrong; what it was is in the log, for a page is no place for it."""
        return self._show("message.html", "", 500, title="This page could not be made",
                          text="What went wrong is in the log of flowfacts dashboard.")  # fmt: skip

    # -- parts ------------------------------------------------------------------------------------------------

    def _filters(self, request: Request, page: PageOf) -> tuple[Choices, Filters]:
        there = choices(self.door)
        query = {k: v for k, v in request.query_params.items() if k not in ("facility", "channel", "outcome")}
        query.update({k: v for k, v in request.query_params.items() if k in page.uses})
        return there, read(query, there, page.known)

    def _guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Turn what may go wrong with a warehouse into a page that says what to do."""

        def guarded(request: Request) -> Response:
            if len(request.url.query) > _LONGEST_ADDRESS:
                return self._show(
                    "message.html", "", 414, title="The address is too long", text="Start from the menu above."
                )
            try:
                return answer(request)
            except DoorError as err:
                return self._show("message.html", "", 503, title="The warehouse does not answer", text=str(err))

        return guarded

    def _show(self, template: str, here: str, status: int = 200, **values: Any) -> Response:
        menu = [*((p.path, p.title) for p in PAGES), ("explorer", "Flow explorer")]
        shown = {"zones": Zones(self.zone or zone_of(UNKNOWN)), **values}
        html = self.env.get_template(template).render(
            menu=menu, here=here, warehouse=self.door.name, NONE=NONE, **shown
        )
        return HTMLResponse(html, status, _HEADERS)


def _file_name(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in text)[:120]
