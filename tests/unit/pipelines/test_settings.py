"""Options from the command line, the environment and the file: which counts, and what is refused."""

import argparse
import importlib
import json
import tomllib

import pytest

from pipelines import cli
from pipelines.commands import COMMANDS, SHARED
from pipelines.options import OptionError
from pipelines.settings.declared import all_options, parsers_of
from pipelines.settings.file import load, problems_of
from pipelines.settings.line import complete, take_config
from pipelines.settings.report import example

EVERY = [pytest.param(o, id=f"{o.command} {o.name}") for options in all_options().values() for o in options]


def samples(option):
    """Two values that differ, as in TOML and as on the command line."""
    if option.is_switch:
        return [(True, [option.flag]), (False, [])]
    if option.action.choices is not None:
        both = list(option.action.choices)
        both = [both[0], both[-1]]
    else:
        both = {int: [3, 4], float: [1.5, 2.5]}.get(option.action.type, ["one/a", "two/b"])
    return [([v] if option.is_list else v, [f"{option.flag}={v}"]) for v in both]


def read(option, words):
    """What argparse makes of the words, and nothing else."""
    parser = parsers_of(option.command.split()[0])[option.command]
    parser.exit_on_error = False
    for action in parser._actions:
        action.required = False
    for group in parser._mutually_exclusive_groups:
        group.required = False
    positional = ["x" if a.choices is None else a.choices[0] for a in parser._actions if not a.option_strings]
    return getattr(parser.parse_args([*positional, *words]), option.action.dest)


def completed(option, words, named=None, environ=None):
    command, *action = option.command.split()
    outer = argparse.ArgumentParser(allow_abbrev=False)
    inner = outer.add_subparsers().add_parser(command, allow_abbrev=False)
    importlib.import_module(COMMANDS[command].module).add_arguments(inner)
    done = complete(command, inner, [command, *action, *words], named, environ or {})
    assert done[: 1 + len(action)] == [command, *action]
    return done[1 + len(action) :]


def toml(value):
    return json.dumps(value)  # texts, numbers, true, false and lists are the same in both


@pytest.mark.parametrize("option", EVERY)
def test_every_option_of_every_command_comes_from_each_place_in_the_order_of_precedence(option, tmp_path):
    (low, low_words), (high, high_words) = samples(option)
    file = tmp_path / "f.toml"
    file.write_text(f"[{option.tables[0]}]\n{option.name} = {toml(low)}\n")
    variable = option.variables[0]
    as_text = ",".join(map(str, high)) if option.is_list else str(high)
    # The file over the default, the environment over the file, the line over both.
    assert read(option, completed(option, [], str(file))) == read(option, low_words)
    assert read(option, completed(option, [], str(file), {variable: as_text})) == read(option, high_words)
    assert read(option, completed(option, [], None, {variable: as_text})) == read(option, high_words)
    given = low_words or [option.flag]
    assert completed(option, given, str(file), {variable: as_text}) == given


@pytest.mark.parametrize("name", SHARED)
def test_what_is_shared_comes_from_the_common_table_unless_the_command_has_its_own(name, tmp_path):
    option = next(o for options in all_options().values() for o in options if o.name == name and o.shared)
    (low, low_words), (high, high_words) = samples(option)
    file = tmp_path / "f.toml"
    file.write_text(f"[common]\n{name} = {toml(low)}\n")
    assert read(option, completed(option, [], str(file))) == read(option, low_words)
    file.write_text(f"[common]\n{name} = {toml(low)}\n[{option.command}]\n{name} = {toml(high)}\n")
    assert read(option, completed(option, [], str(file))) == read(option, high_words)


def test_the_output_of_a_simulation_or_a_report_is_not_the_common_one(tmp_path):
    """A file that names the facts once must not make `simulate` or `report` write over them."""
    file = tmp_path / "f.toml"
    file.write_text('[common]\noutput = "facts"\n')
    for command in ("simulate", "report", "export"):
        option = next(o for o in all_options()[command] if o.name == "output")
        assert completed(option, [], str(file), {"FLOWFACTS_OUTPUT": "facts"}) == []


def test_of_options_that_exclude_each_other_the_one_that_was_typed_counts(tmp_path):
    file = tmp_path / "f.toml"
    file.write_text('[stream]\nsubscription = "projects/p/subscriptions/s"\n')
    option = next(o for o in all_options()["stream"] if o.name == "topic")
    typed = ["--topic=projects/p/topics/t"]
    assert completed(option, typed, str(file)) == typed
    made = completed(option, [], str(file), {"FLOWFACTS_STREAM_TOPIC": "projects/p/topics/t"})
    assert made == typed
    file.write_text('[stream]\nsubscription = "s"\ntopic = "t"\n')
    with pytest.raises(OptionError, match=r"stream takes only one of subscription .* and topic"):
        completed(option, [], str(file))


def test_a_switch_of_the_file_is_turned_off_by_the_environment(tmp_path):
    file = tmp_path / "f.toml"
    file.write_text("[expire]\napply = true\n")
    option = next(o for o in all_options()["expire"] if o.name == "apply")
    assert completed(option, [], str(file)) == ["--apply"]
    assert completed(option, [], str(file), {"FLOWFACTS_EXPIRE_APPLY": "false"}) == []
    with pytest.raises(OptionError, match=r"FLOWFACTS_EXPIRE_APPLY is 'maybe', expected true or false"):
        completed(option, [], str(file), {"FLOWFACTS_EXPIRE_APPLY": "maybe"})


def test_beam_options_come_from_a_table_of_the_command_and_from_variables(tmp_path):
    file = tmp_path / "f.toml"
    file.write_text('[batch.beam]\nregion = "europe-west1"\nexperiments = ["a", "b"]\nsave_main_session = true\n')
    option = next(o for o in all_options()["batch"] if o.name == "input")
    made = completed(option, [], str(file), {"FLOWFACTS_BATCH_BEAM_TEMP_LOCATION": "gs://t/x"})
    assert sorted(made) == [
        "--experiments=a", "--experiments=b", "--region=europe-west1", "--save_main_session", "--temp_location=gs://t/x",
    ]  # fmt: skip
    assert "--region=europe-west1" not in completed(option, ["--region", "us-east1"], str(file))


def test_what_stands_behind_two_dashes_stays_there():
    option = next(o for o in all_options()["query"] if o.name == "output")
    assert completed(option, ["--", "SELECT 1"], None, {"FLOWFACTS_OUTPUT": "f"}) == ["--output=f", "--", "SELECT 1"]


def test_what_kubernetes_puts_into_the_environment_is_nobodys_option():
    option = next(o for o in all_options()["dashboard"] if o.name == "port")
    assert completed(option, [], None, {"FLOWFACTS_DASHBOARD_PORT": "tcp://10.0.0.1:8501"}) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[common]\nouput = "x"', "[common] ouput: unknown; did you mean output?"),
        ("[batch]\nquiet_hours = 1", "[batch] quiet_hours: unknown; did you mean quiet-hours?"),
        ("[btach]\nbuckets = 1", "[btach]: no such command; did you mean [batch]?"),
        ("[common]\nlag = 1", "[common] lag: means something else for each command: put it in [status]"),
        ('input = "x"', "input stands in no table"),
        ("[batch]\nworkers = 'two'", "[batch] workers is 'two', expected a whole number"),
        ("[batch]\nworkers = true", "[batch] workers is True, expected a whole number"),
        ("[batch]\njson = 'yes'", "[batch] json is 'yes', expected true or false"),
        ("[simulate]\nfaults = 'many'", "[simulate] faults is 'many', expected one of "),
        ("[status.beam]\nregion = 'x'", "[status.beam]: status passes nothing on to Beam"),
        ("[batch.beam]\nregoin = 'x'", "unknown option --regoin"),
        ("[batch\nx", "is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_told_with_its_place_and_the_nearest(text, told, tmp_path, capsys):
    file = tmp_path / "f.toml"
    file.write_text(text)
    assert cli.main(["--config", str(file), "config", "check"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        '[mirror]\nkey = "-----BEGIN PRIVATE KEY----- hunter2"',
        '[batch]\npassword = "hunter2"',
        '[mirror]\nkey-env = "{\\"private_key\\": \\"hunter2\\"}"',
        '[batch.beam]\nhttp_proxy = "https://me:hunter2@proxy/"',
        '[batch]\nworkers = "AIzaSyAhunter2hunter2hunter2hunter2"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_quoted(text, tmp_path, capsys):
    file = tmp_path / "f.toml"
    file.write_text(text)
    for words in (["config", "check"], ["config", "check", "--json"], ["batch", "--input", "i", "--output", "o"]):
        code = cli.main(["--config", str(file), *words])
        shown = capsys.readouterr()
        assert "hunter2" not in shown.out + shown.err
        if words[0] == "config":
            assert code == 2


def test_secrets_in_the_environment_are_named_and_never_shown(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWFACTS_API_PASSWORD", "hunter2")
    monkeypatch.setenv("FLOWFACTS_BATCH_INPT", "hunter2")
    assert cli.main(["config", "check", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    found = json.loads(shown)
    assert found["credentials"] == {"FLOWFACTS_API_PASSWORD": "set"}
    assert found["warnings"] == ["FLOWFACTS_BATCH_INPT is read by nobody; did you mean FLOWFACTS_BATCH_INPUT?"]


def test_check_tells_each_value_and_where_it_comes_from(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowfacts.toml").write_text('[common]\noutput = "facts"\n[batch]\nworkers = 3\n')
    monkeypatch.setenv("FLOWFACTS_STATUS_OUTPUT", "elsewhere")
    assert cli.main(["config", "check", "--json"]) == 0
    rows = {
        (s["command"], s["option"]): (s["value"], s["origin"]) for s in json.loads(capsys.readouterr().out)["settings"]
    }
    assert rows["batch", "output"] == ("facts", "flowfacts.toml [common]")
    assert rows["batch", "workers"] == ("3", "flowfacts.toml [batch]")
    assert rows["status", "output"] == ("elsewhere", "FLOWFACTS_STATUS_OUTPUT")
    assert ("simulate", "output") not in rows
    assert cli.main(["config", "show", "batch"]) == 0
    shown = capsys.readouterr().out
    assert "settle-days" in shown
    assert "not set" in shown


def test_a_run_takes_its_options_from_the_file_in_the_working_folder(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowfacts.toml").write_text('[common]\noutput = "nowhere"\n')
    assert cli.main(["status"]) == 2
    assert "nowhere" in capsys.readouterr().err
    (tmp_path / "flowfacts.toml").unlink()
    with pytest.raises(SystemExit) as stopped:
        cli.main(["status"])
    assert stopped.value.code == 2


def test_a_named_file_must_be_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FLOWFACTS_CONFIG", str(tmp_path / "gone.toml"))
    assert cli.main(["status", "--output", "x"]) == 2
    assert "gone.toml can't be read: No such file or directory" in capsys.readouterr().err


def test_a_log_collector_hears_of_a_file_that_is_wrong(tmp_path, capsys):
    file = tmp_path / "f.toml"
    file.write_text("[batch]\nworkres = 2\n")
    assert cli.main(["--config", str(file), "batch", "--log"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["severity"], told["flowfacts"]["signal"], told["flowfacts"]["exit_code"]) == ("ERROR", "batch", 2)
    assert "did you mean workers?" in told["message"]


def test_help_needs_no_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FLOWFACTS_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["batch", "--help"])
    assert stopped.value.code == 0


def test_the_file_may_be_named_before_and_after_the_command():
    assert take_config(["--config", "f", "batch", "--x"]) == (["batch", "--x"], "f")
    assert take_config(["batch", "--config=f", "--x"]) == (["batch", "--x"], "f")
    assert take_config(["query", "--", "--config", "f"]) == (["query", "--", "--config", "f"], None)
    with pytest.raises(OptionError, match="expects a file"):
        take_config(["batch", "--config"])


def test_the_example_is_toml_and_right_when_everything_in_it_is_taken(tmp_path):
    text = example()
    assert set(tomllib.loads(text)) >= {"common", "batch", "bigquery"}
    bare = "\n".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") and line[2:].split(" = ")[0].count(" ") == 0
        else line
        for line in text.splitlines()
        if "beam" not in line and "region =" not in line and "temp_location" not in line
    )  # fmt: skip
    file = tmp_path / "all.toml"
    file.write_text(bare)
    loaded = load(str(file))
    assert problems_of(loaded) == []
    for command, options in all_options().items():
        table = loaded.tables[command.replace(" ", ".")]
        assert set(table) == {o.name for o in options if not o.shared}, command
    assert set(loaded.tables["common"]) == set(SHARED)


def test_the_help_lists_every_command_in_a_group(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert any(line.split()[:1] == [name] and command.help in line for line in shown.splitlines()), name
