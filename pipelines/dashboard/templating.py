"""The environment of the templates: every value is escaped, an unknown name is an error."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pipelines.dashboard import words
from pipelines.dashboard.model import Kind
from pipelines.version import VERSION

HERE = Path(__file__).parent


def templates(zone: ZoneInfo) -> Environment:
    """Make the environment.

    Args:
        zone: time zone in which instants are written.
    """
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["instant"] = lambda at: words.instant(at, zone)
    env.filters["local"] = lambda at: f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"
    env.filters["utc"] = lambda at: f"{at:%Y-%m-%d %H:%M:%S}"
    env.filters["rfc"] = lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}"
    env.filters["seconds"] = words.seconds
    env.filters["short"] = words.short
    env.filters["words"] = lambda text: text.replace("_", " ")
    env.globals.update(
        Kind=Kind, count=words.count, ratio=words.ratio, version=VERSION, zone=zone.key, unknown=words.UNKNOWN
    )
    return env
