"""The environment of the templates: every value is escaped, an unknown name is an error."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from pipelines.dashboard import words
from pipelines.dashboard.model import Kind
from pipelines.version import VERSION

HERE = Path(__file__).parent


@pass_context
def _instant(context: Context, at: datetime | None, facility: str | None = None) -> Markup:
    """Write an instant in the time zone of a facility, which the page's zones know."""
    return words.instant(at, context["zones"].of(facility))


def templates() -> Environment:
    """Make the environment; a template is given the `zones` of its instants, and the `zone` of what has no facility."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["instant"] = _instant
    env.filters["local"] = lambda at, zone: f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"
    env.filters["utc"] = lambda at: f"{at:%Y-%m-%d %H:%M:%S}"
    env.filters["rfc"] = lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}"
    env.filters["seconds"] = words.seconds
    env.filters["short"] = words.short
    env.filters["words"] = lambda text: text.replace("_", " ")
    env.globals.update(Kind=Kind, count=words.count, ratio=words.ratio, version=VERSION, unknown=words.UNKNOWN)
    return env
