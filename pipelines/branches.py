"""A branch for each of the constants that a subquery is joined with, so that an engine can leave branches out.

    SELECT day, kpi, CASE kpi WHEN 'a' THEN x0 WHEN 'b' THEN x1 END AS value
    FROM (SELECT day, SUM(a) AS x0, SUM(b) AS x1 FROM …) AS sums CROSS JOIN UNNEST(['a', 'b']) AS kpi

is one pass over the rows, whatever is asked. DuckDB computes all the sums and then drops what a filter on `kpi` does
not want. Of

    WITH sums AS (SELECT day, SUM(a) AS x0, SUM(b) AS x1 FROM …)
    SELECT day, 'a' AS kpi, x0 AS value FROM sums UNION ALL SELECT day, 'b' AS kpi, x1 AS value FROM sums

it leaves out the branches that the filter rules out, and then the sums that no branch names and the relations that none
reads; without a filter it is one pass still. BigQuery keeps the first form: it computes a WITH anew for each branch.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

_ACROSS = (
    "with_",
    "group",
    "having",
    "qualify",
    "windows",
    "distinct",
    "order",
    "limit",
    "offset",
    "where",
    "laterals",
)
"""Parts of a SELECT that would mean something else in each branch alone, or that no view here has."""


def in_branches(query: Any) -> Any:
    """Give every join of a subquery with a list of constants as branches; all else stays as it is.

    Args:
        query: of sqlglot; it is changed.
    """
    for select in reversed(list(query.find_all(exp.Select))):
        found = _constants(select)
        if found is None:
            continue
        made = _branches(select, *found)
        if select is query:
            return made
        select.replace(made.subquery(copy=False))
    return query


def _constants(select: exp.Select) -> tuple[str, list[exp.Expression]] | None:
    """Find what the subquery of a SELECT is joined with: the name of the column and its values."""
    source, joins = select.args.get("from_"), select.args.get("joins") or []
    if source is None or not isinstance(source.this, exp.Subquery) or not source.this.alias or len(joins) != 1:
        return None
    listed = joins[0].this
    if joins[0].args.get("on") or joins[0].side or not isinstance(listed, exp.Unnest) or listed.args.get("offset"):
        return None
    if any(select.args.get(part) for part in _ACROSS):
        return None
    if any(e.find(exp.AggFunc, exp.Query, exp.Star, exp.Window) for e in select.expressions):
        return None
    names, arrays = listed.alias_column_names, listed.expressions
    if len(names) != 1 or len(arrays) != 1 or not isinstance(arrays[0], exp.Array):
        return None
    values = list(arrays[0].expressions)
    return (names[0], values) if values and all(isinstance(v, exp.Literal) for v in values) else None


def _branches(select: exp.Select, name: str, values: list[exp.Expression]) -> exp.Query:
    sums = select.args["from_"].this
    shape = select.copy()
    shape.set("joins", None)
    shape.set("from_", exp.From(this=exp.to_table(sums.alias)))
    branches = [_branch(shape.copy(), name, value) for value in values]
    made = exp.union(*branches, distinct=False, copy=False) if len(branches) > 1 else branches[0]
    return made.with_(sums.alias, sums.this, copy=False)


def _branch(select: exp.Select, name: str, value: exp.Expression) -> exp.Select:
    """Put the value in the place of the column, and of each CASE of the column what it chooses."""
    for case in reversed(list(select.find_all(exp.Case))):
        if isinstance(case.this, exp.Column) and case.this.name == name:
            chosen = next((i.args["true"] for i in case.args["ifs"] if i.this == value), case.args.get("default"))
            case.replace(chosen.copy() if chosen is not None else exp.null())
    for column in list(select.find_all(exp.Column)):
        if column.name == name:
            shown = exp.alias_(value.copy(), name) if column.parent is select else value.copy()
            column.replace(shown)
    return select
