"""The Superset dashboard: a bundle that Superset imports, from `schemas.charts`.

    python -m pipelines.superset            # write deploy/superset
    python -m pipelines.superset --check    # write nothing; exit 1 when it is stale

A bundle is a folder of YAML files: a database, a dataset (a query) and a chart for each of our charts, one dashboard.
Ids are made from names, so that importing again replaces what was imported before.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipelines.dialect import to_duckdb
from schemas.charts import CHARTS, Chart

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "superset"
_SPACE = uuid.UUID("5f0c5d8e-7a57-5b65-9d3e-2f10d7a3c1aa")
_COLUMNS, _HEIGHT = 2, 50
_DATES = ("day",)
_NAMES = ("channel", "outcome", "origin", "facility_ref", "stage", "deviation", "flow", "lines")

URIS = {"duckdb": "duckdb:////facts/warehouse.duckdb", "bigquery": "bigquery://PROJECT/DATASET"}
# A run replaces the file; Superset opens it anew for each query.
_EXTRA: dict[str, dict[str, Any]] = {
    "duckdb": {"engine_params": {"connect_args": {"read_only": True}}},
    "bigquery": {},
}


def _id(*words: str) -> str:
    return str(uuid.uuid5(_SPACE, "/".join(words)))


def bundle(engine: str) -> dict[str, dict[str, Any]]:
    """Give the files of the bundle for an engine (duckdb or bigquery), by path."""
    files: dict[str, dict[str, Any]] = {
        "metadata.yaml": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/flowfacts.yaml": _database(engine),
        "dashboards/flowfacts.yaml": _dashboard(engine),
    }
    for chart in CHARTS:
        files[f"datasets/flowfacts/{chart.key}.yaml"] = _dataset(engine, chart)
        files[f"charts/{chart.key}.yaml"] = _chart(engine, chart)
    return files


def _database(engine: str) -> dict[str, Any]:
    return {
        "database_name": f"flowfacts ({engine})",
        "sqlalchemy_uri": URIS[engine],
        "expose_in_sqllab": True,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True, **_EXTRA[engine]},
        "uuid": _id(engine, "database"),
        "version": "1.0.0",
    }


def _dataset(engine: str, chart: Chart) -> dict[str, Any]:
    sql = to_duckdb(chart.sql) if engine == "duckdb" else chart.sql.replace("`", "")
    names = [chart.x, *([chart.series] if chart.series else []), *chart.values]
    return {
        "table_name": f"flowfacts_{chart.key}",
        "main_dttm_col": chart.x if chart.x in _DATES else None,
        "description": chart.asks,
        "schema": None,
        "sql": sql,
        "filter_select_enabled": True,
        "uuid": _id(engine, "dataset", chart.key),
        "metrics": [{"metric_name": "count", "metric_type": "count", "expression": "COUNT(*)"}],
        "columns": [
            {
                "column_name": name,
                "is_dttm": name in _DATES,
                "is_active": True,
                "type": "DATE" if name in _DATES else "STRING" if name in _NAMES else "FLOAT",
                "groupby": name in (*_DATES, *_NAMES),
                "filterable": True,
            }
            for name in names
        ],
        "version": "1.0.0",
        "database_uuid": _id(engine, "database"),
    }


def metric(value: str) -> dict[str, Any]:
    """Give the metric of a value: rows are aggregated already, so it is the sum over what remains."""
    return {
        "expressionType": "SIMPLE",
        "column": {"column_name": value},
        "aggregate": "SUM",
        "label": value.replace("_", " "),
        "optionName": f"metric_{value}",
        "hasCustomLabel": True,
    }


def _chart(engine: str, chart: Chart) -> dict[str, Any]:
    viz = "echarts_timeseries_line" if chart.kind == "line" else "echarts_timeseries_bar"
    params = {
        "viz_type": viz,
        "x_axis": chart.x,
        "time_grain_sqla": "P1D" if chart.x in _DATES else None,
        "x_axis_sort_asc": True,
        "metrics": [metric(v) for v in chart.values],
        "groupby": [chart.series] if chart.series else [],
        "adhoc_filters": [],
        "row_limit": 10000,
        "stack": "Stack" if chart.kind == "bar" else None,
        "show_legend": True,
        "rich_tooltip": True,
        "x_axis_title": "",
        "y_axis_format": "SMART_NUMBER",
    }
    if chart.x not in _DATES:
        params |= {"xAxisForceCategorical": True}
    return {
        "slice_name": chart.title,
        "description": " ".join(filter(None, (chart.asks, chart.note))),
        "viz_type": viz,
        "params": {k: v for k, v in params.items() if v is not None},
        "cache_timeout": None,
        "uuid": _id(engine, "chart", chart.key),
        "version": "1.0.0",
        "dataset_uuid": _id(engine, "dataset", chart.key),
    }


def _dashboard(engine: str) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": "flowfacts"}},
    }
    for n in range(0, len(CHARTS), _COLUMNS):
        row = f"ROW-{n // _COLUMNS}"
        position["GRID_ID"]["children"].append(row)
        members = CHARTS[n : n + _COLUMNS]
        position[row] = {
            "type": "ROW",
            "id": row,
            "children": [f"CHART-{c.key}" for c in members],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for number, chart in enumerate(members, n + 1):
            position[f"CHART-{chart.key}"] = {
                "type": "CHART",
                "id": f"CHART-{chart.key}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row],
                "meta": {
                    "chartId": number,  # replaced by the importing Superset, which must find one
                    "uuid": _id(engine, "chart", chart.key),
                    "sliceName": chart.title,
                    "width": 12 // _COLUMNS,
                    "height": _HEIGHT,
                },
            }
    return {
        "dashboard_title": "flowfacts: where does the time go?",
        "description": "Orders, jobs, deliveries, and what lies between their events.",
        "css": "",
        "published": True,
        "slug": f"flowfacts-{engine}",
        "uuid": _id(engine, "dashboard"),
        "position": position,
        "metadata": {"color_scheme": "supersetColors", "refresh_frequency": 0, "cross_filters_enabled": True},
        "version": "1.0.0",
    }


class _Text(yaml.SafeDumper):
    """Writes words of several lines as such."""


_Text.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def outputs() -> dict[str, str]:
    """Give the text of every file below `deploy/superset`, by path."""
    return {
        f"{engine}/{path}": yaml.dump(content, Dumper=_Text, sort_keys=False, allow_unicode=True, width=120)
        for engine in URIS
        for path, content in bundle(engine).items()
    }


def stale(folder: Path, files: Mapping[str, str]) -> list[str]:
    """List the files that differ, are missing, or are left over."""
    there = {f.relative_to(folder).as_posix(): f for f in folder.rglob("*.yaml")}
    differs = [p for p, text in files.items() if p not in there or there[p].read_text(encoding="utf-8") != text]
    return sorted([*differs, *(there.keys() - files.keys())])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.superset", description="Write deploy/superset.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    args = parser.parse_args(argv)
    files = outputs()
    found = stale(FOLDER, files)
    for path in found:
        print(f"{'stale' if args.check else 'updated'}: deploy/superset/{path}", file=sys.stderr)
        if not args.check:
            target = FOLDER / path
            if path not in files:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
    if args.check and found:
        print("run `make docs` and commit the result", file=sys.stderr)
    return 1 if args.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
