"""What an option is in the end, and where that comes from: command line, then environment, then file, then default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.options import OptionError
from pipelines.settings.declared import PREFIX, Option, as_variable
from pipelines.settings.file import BEAM, File, is_service_link
from pipelines.settings.values import SettingError, from_file, from_text, looks_secret

LINE: Final = "command line"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of an option.

    Attributes:
        option: which.
        value: as on the command line, or a bool, or a list of texts; None when it has none.
        origin: where it comes from, in words.
        level: 3 for the command line, 2 for the environment, 1 for the file, 0 for the default.
    """

    option: Option
    value: Any
    origin: str
    level: int

    def words(self) -> list[str]:
        """Give it as words of the command line."""
        if self.option.is_switch:
            return [self.option.flag] if self.value else []
        values = self.value if isinstance(self.value, list) else [self.value]
        return [f"{self.option.flag}={v}" for v in values]


def settings_of(
    options: Sequence[Option], file: File, environ: Mapping[str, str], line: Sequence[str] = ()
) -> tuple[list[Setting], list[str]]:
    """Find the value of each option.

    Of options that exclude each other the one of the highest level counts; those of lower levels are dropped, for they
    were meant as defaults.

    Returns:
        The settings, one an option, and the problems.
    """
    found, problems = [], []
    for option in options:
        try:
            found.append(_one(option, file, environ, line))
        except OptionError as err:
            problems.append(str(err))
            found.append(Setting(option, option.default(), DEFAULT, 0))
    kept = []
    for setting in found:
        rivals = [s for s in found if s.option.group is not None and s.option.group == setting.option.group]
        given = [s for s in rivals if s.level == 3 or (s.level and s.value not in (None, False, []))]
        best = max((s.level for s in given), default=0)
        if setting.level and setting.level < best:
            setting = Setting(setting.option, setting.option.default(), DEFAULT, 0)
        kept.append(setting)
        same = [s for s in given if s.level == best]
        if 0 < best < 3 and len(same) > 1 and setting is same[0]:
            told = " and ".join(f"{s.option.name} ({s.origin})" for s in same)
            problems.append(f"{setting.option.command} takes only one of {told}")
    return kept, problems


def _one(option: Option, file: File, environ: Mapping[str, str], line: Sequence[str]) -> Setting:
    if any(w == o or w.startswith(f"{o}=") for w in line for o in option.action.option_strings):
        return Setting(option, None, LINE, 3)
    for name in option.variables:
        text = environ.get(name, "")
        if text and not is_service_link(text):
            try:
                return Setting(option, from_text(option, text), name, 2)
            except SettingError as err:
                raise OptionError(f"the variable {name} {err}") from None
    for table in option.tables:
        if option.name in file.tables.get(table, {}):
            where = f"{file.path}: [{table}] {option.name}"
            try:
                return Setting(option, from_file(option, file.tables[table][option.name]), f"{file.path} [{table}]", 1)
            except SettingError as err:
                raise OptionError(f"{where} {err}") from None
    return Setting(option, option.default(), DEFAULT, 0)


def beam_words(
    name: str, file: File, environ: Mapping[str, str], line: Sequence[str] = ()
) -> list[tuple[list[str], str]]:
    """Give the options that a command passes on to Beam: as words of the command line, and where they come from.

    Raises:
        OptionError: one can't be used.
    """
    found: dict[str, tuple[list[str], str]] = {}
    for key, value in file.tables.get(f"{name}.{BEAM}", {}).items():
        where = f"{file.path} [{name}.{BEAM}]"
        if looks_secret(value) or isinstance(value, dict):
            raise OptionError(f"{where} {key} looks like a secret or a table, expected a text, a number or a list")
        found[key] = (_beam(key, value), where)
    prefix = f"{PREFIX}{as_variable(name)}_BEAM_"
    for variable, text in environ.items():
        if variable.startswith(prefix) and text:
            key = variable.removeprefix(prefix).lower()
            found[key] = (_beam(key, {"true": True, "false": False}.get(text.lower(), text)), variable)
    given = {w.split("=")[0] for w in line}
    return [made for key, made in sorted(found.items()) if f"--{key}" not in given]


def _beam(key: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    return [f"--{key}={v}" for v in (value if isinstance(value, list) else [value])]
