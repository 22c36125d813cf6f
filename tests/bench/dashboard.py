"""First paint and filter changes of the dashboard on a big embedded warehouse, in a real Chromium.

    python -m tests.bench.dashboard [--orders 1000000] [--folder build/bench/dashboard] [--source warehouse.duckdb]

A simulated month (or `--source`) is copied with fresh ids, month after month, until there are enough orders; every page
is then opened and filtered in ways that were not asked before, so that no answer comes from memory. What is told is the
browser's own clock: from the start of the navigation to the first paint of content, which has all figures and charts.
Not a timed test: it prints what it measured.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import duckdb

from pipelines.dashboard.pages import PAGES
from pipelines.warehouse import OF_ORDER, STRETCHES, _ddl
from schemas.tables import DAY_BOOK, FACT_TABLES, PIPELINE_RUN, TABLES, Type
from tests.browser.chromium import launched
from tests.serving import dashboard, demo

_IDS = {"flow_id", "leg_id", "parcel_id", "receipt_id", "event_id", "entity_id", "tenant_order_id", "shipment_id"}


def multiply(source: Path, target: Path, orders: int) -> int:
    """Fill a warehouse with copies of another's rows, each 30 days after the one before; gives the orders."""
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target)) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(_ddl())
        con.execute(f"ATTACH '{source}' AS one (READ_ONLY)")
        ((held,),) = con.execute("SELECT count(*) FROM one.order_flow").fetchall()
        copies = -(-orders // held)
        for table in TABLES:
            if table in (*FACT_TABLES, DAY_BOOK):
                numbers = tuple(range(copies))
            else:
                numbers = (copies - 1,) if table is PIPELINE_RUN else (0,)  # the run has read the last of the days
            for n in numbers:
                columns = [_moved(c.name, c.type, n, table is DAY_BOOK) for c in table.columns]
                relation = table.name
                if relation == "flow_interval":
                    relation, columns = STRETCHES, [*columns, *OF_ORDER]
                moved = f"SELECT {', '.join(columns)}, {n + 1} FROM one.{relation}"
                con.execute(f"INSERT INTO flowfacts.{table.name}_staying {moved}")
        con.execute("DETACH one")
        con.execute("CHECKPOINT")
    return int(held * copies)


def _moved(name: str, kind: Type, copy: int, book: bool) -> str:
    if copy and kind is Type.TIMESTAMP:
        return f"{name} + INTERVAL {30 * copy} DAY"
    if copy and name in _IDS:
        return f"{name} || '-{copy}'"
    return f"strftime({name}::DATE + {30 * copy}, '%Y-%m-%d')" if book and name == "day" else name


_PAINT = """() => new Promise(done => {
  const told = () => {
    const p = performance.getEntriesByName('first-contentful-paint')[0];
    if (p) done(p.startTime); else setTimeout(told, 10);
  };
  told();
})"""


def _paint(page: Any) -> float:
    return float(page.evaluate(_PAINT)) / 1000


def _filters(facilities: list[str], whole: str) -> list[tuple[str, str]]:
    return [
        ("default days, facility", f"facility={facilities[0]}"),
        ("default days, outcome", "outcome=cancelled"),
        ("all days", f"from={whole}"),
        ("all days, facility", f"from={whole}&facility={facilities[1]}"),
        ("all days, channel", f"from={whole}&channel=SHIPPING"),
        ("all days, outcome", f"from={whole}&outcome=fulfilled"),
        ("all days, facility, channel", f"from={whole}&facility={facilities[2]}&channel=SHIPPING"),
    ]


def measure(url: str, warehouse: Path) -> None:
    """Open every page and change its filters; print the seconds to the first paint."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        ((day, number),) = con.execute("SELECT min(started_at)::DATE, max(tenant_order_id) FROM order_flow").fetchall()
        places = [
            p
            for (p,) in con.execute(
                "SELECT facility_ref FROM order_flow WHERE facility_ref IS NOT NULL GROUP BY 1 "
                "ORDER BY count(*) DESC LIMIT 3"
            ).fetchall()
        ]
    with launched() as browser:
        first, changes = {}, []
        for path in (*(page.path for page in PAGES), "explorer"):
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{url}/{path}")
            first[path] = _paint(page)
            print(f"{path:<12} first paint {first[path]:6.2f} s", flush=True)
            if path != "explorer":
                for name, query in _filters(places, str(day)):
                    page.goto(f"{url}/{path}?{query}")
                    seconds = _paint(page)
                    changes.append((seconds, path, name))
                    print(f"{'':<12} {name:<28} {seconds:6.2f} s", flush=True)
            else:
                page.goto(f"{url}/explorer?q={number}")
                print(f"{'':<12} {'explain an order':<28} {_paint(page):6.2f} s", flush=True)
            context.close()
    times = sorted(s for s, _, _ in changes)
    print(f"first paint: slowest {max(first.values()):.2f} s ({max(first, key=lambda k: first[k])}), target 2 s")
    print(f"filter change: median {statistics.median(times):.2f} s, slowest {max(changes)}, target 1 s")


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("build/bench/dashboard"))
    parser.add_argument("--source", type=Path, help="warehouse.duckdb to multiply; simulated without it")
    parser.add_argument("--keep", action="store_true", help="take the multiplied warehouse of the last time")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    warehouse = args.folder / "warehouse.duckdb"
    if not (args.keep and warehouse.exists()):
        source = args.source or demo(args.folder, days=30, orders=2800) / "warehouse.duckdb"
        print(f"{multiply(source, warehouse, args.orders):,} orders in {warehouse}", flush=True)
    with dashboard("--warehouse", str(warehouse)) as url:
        measure(url, warehouse)


if __name__ == "__main__":
    main()
