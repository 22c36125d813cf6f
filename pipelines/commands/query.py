"""`flowfacts query`: a question to the embedded warehouse or to a dataset."""

from __future__ import annotations

import argparse
import sys

DESCRIPTION = """\
Ask the embedded warehouse or a BigQuery dataset, in the same SQL (BigQuery's) and with the same answer.

The relations and views are in schemas/docs/data_dictionary.md. In the embedded warehouse the question is translated;
what has no faithful translation is refused by name, and --duckdb-sql asks in DuckDB's own SQL.

examples:
  flowfacts query "SELECT day, SUM(orders) AS orders FROM daily_orders GROUP BY day ORDER BY day" --output facts
  flowfacts query "SELECT * FROM on_time WHERE day = '2026-06-17'" --dataset my-project.flowfacts --dry-run
  flowfacts query "SELECT * FROM order_flow" --output facts --format parquet --to orders.parquet

exit codes: 0 fine; 1 failed; 2 bad arguments, or a question that can't be asked.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("sql", metavar="SQL", help="one SELECT; - reads it from standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", metavar="DIR", help="output folder of flowfacts batch, or its warehouse.duckdb")
    where.add_argument("--dataset", metavar="PROJECT.DATASET", help="BigQuery dataset")
    parser.add_argument(
        "--format", choices=("table", "csv", "json", "parquet"), default="table", help="form of the answer (table)"
    )
    parser.add_argument("--to", metavar="FILE", help="write the answer to a file")
    parser.add_argument("--dry-run", action="store_true", help="with --dataset: only tell the bytes that it would read")
    parser.add_argument(
        "--most-gb", type=float, metavar="N", help="with --dataset: refuse to read more than so many GB"
    )
    parser.add_argument("--duckdb-sql", action="store_true", help="with --output: the SQL is DuckDB's")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.options import OptionError

    if args.output is not None and (args.dry_run or args.most_gb is not None):
        raise OptionError("--dry-run and --most-gb are for --dataset; the embedded warehouse costs nothing")
    if args.dataset is not None and args.duckdb_sql:
        raise OptionError("--duckdb-sql is for --output; a dataset is asked in BigQuery's SQL")
    if args.format == "parquet" and args.to is None and sys.stdout.isatty():
        raise OptionError("--format parquet needs --to FILE, or a standard output that is no terminal")
    sql = sys.stdin.read() if args.sql == "-" else args.sql
    if args.output is not None:
        from pipelines.query import ask_embedded, write

        write(ask_embedded(args.output, sql, native=args.duckdb_sql), args.format, args.to)
        return 0
    return _dataset(args, sql)


def _dataset(args: argparse.Namespace, sql: str) -> int:
    from pipelines.bigquery.client import BigQueryError, connect
    from pipelines.query import Cost, ask_dataset, write

    target = connect("--dataset", args.dataset)
    try:
        most = None if args.most_gb is None else round(args.most_gb * 1e9)
        found = ask_dataset(target, sql, dry_run=args.dry_run, most_bytes=most)
    except BigQueryError as err:
        print(f"flowfacts query: {err}", file=sys.stderr)
        return 1
    if isinstance(found, Cost):
        print(found.tell())
    else:
        write(found, args.format, args.to)
    return 0
