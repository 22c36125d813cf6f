"""Completes a command line by what the environment and the file say."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from pipelines.commands import COMMANDS
from pipelines.options import OptionError
from pipelines.settings.declared import PREFIX, actions_of, options_of
from pipelines.settings.effective import beam_words, settings_of
from pipelines.settings.file import find, load, problems_of


def take_config(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Take `--config FILE` out of a command line, wherever it stands before `--`.

    Raises:
        OptionError: no file is named.
    """
    kept: list[str] = []
    named: str | None = None
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*kept, word, *waiting], named
        if word == "--config" and not waiting:
            raise OptionError("--config expects a file")
        if word == "--config":
            named = waiting.pop(0)
        elif word.startswith("--config="):
            named = word.removeprefix("--config=")
        else:
            kept.append(word)
    return kept, named


def complete(
    name: str,
    parser: argparse.ArgumentParser,
    words: Sequence[str],
    named: str | None,
    environ: Mapping[str, str],
) -> list[str]:
    """Add to the words of a command line the options that only the environment or the file gives.

    Args:
        name: the command.
        parser: its parser.
        words: what was typed.
        named: the file that was named.
        environ: the environment.

    Raises:
        OptionError: the file or a variable has what can't be used.
    """
    path = find(named, environ)
    if path is None and not any(v.startswith(PREFIX) for v in environ):
        return list(words)
    file = load(path)
    problems = problems_of(file, name) if path is not None else []
    full = name
    inner = actions_of(parser)
    if inner:
        action = next((w for w in words[words.index(name) + 1 :] if w in inner), None)
        if action is None:
            return list(words)  # argparse says which there are
        full, parser = f"{name} {action}", inner[action]
    typed = words[: words.index("--")] if "--" in words else words
    settings, wrong = settings_of(options_of(full, parser), file, environ, typed)
    if problems or wrong:
        more = "" if len(problems + wrong) == 1 else f" (and {len(problems + wrong) - 1} more)"
        raise OptionError(f"{(problems + wrong)[0]}{more}; flowfacts config check tells all")
    added = [w for s in settings if s.level in (1, 2) for w in s.words()]
    if COMMANDS[name].beam:
        added += [w for made, _ in beam_words(name, file, environ, typed) for w in made]
    return [*typed, *added, *words[len(typed) :]]
