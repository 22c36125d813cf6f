"""The command's arguments, exit codes and messages, with a small stand-in for the graph."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines import cli, running
from pipelines.datasets import read_manifest, write_part
from pipelines.exports import LineReader
from pipelines.options import BatchOptions, OptionError, RunOutcome, check_runner
from transforms.columns import to_table

ROOT = Path(__file__).parents[3]


class StandIn:
    """Reads the files and folds nothing: every line is an event outside the flows."""

    def __init__(self):
        self.asked = {}
        self.change = lambda outcome: outcome

    def __call__(self, job, **asked):
        files = job.files
        self.asked = {**asked, "job": job}
        rows, events = [], []
        for file in files:
            lines = 0
            report = None
            if file.repeat_of is None:
                reader = LineReader(file)
                lines = sum(len([x for x in chunk if x]) for _, chunk in reader)
                report = reader.report
                lines = lines if report.complete else 0
            events += [event(f"{file.name}:{i}") for i in range(lines)]
            rows.append(
                {
                    "path": file.name, "day": file.day, "bytes": file.size, "lines": lines,
                    "digest": report.digest if report else file.digest, "complete": report is None or report.complete,
                    "repeat_of": file.repeat_of, "problem": report.problem if report else None,
                    "modified_at": file.modified,
                }
            )  # fmt: skip
        n = len(events)
        counts = dict.fromkeys(
            (
                "lines_read", "lines_accepted", "dead_letters", "events_accepted", "events_folded",
                "events_outside_flows", "events_unresolved", "duplicates", "field_errors", "unknown_names",
                "unknown_values",
            ),
            0,
        )  # fmt: skip
        counts |= {"lines_read": n, "lines_accepted": n, "events_accepted": n, "events_outside_flows": n}
        table = to_table("flow_event", events)
        stem = "-".join(sorted(f.name.replace("/", "_") for f in files))
        parts = []
        if n:
            parts = [
                write_part(job.read.output, "flow_event", stem, table, tier="outside"),
                write_part(job.read.output, "event_log", stem, table),
            ]
        return self.change(RunOutcome(counts, job.as_of, parts, rows))


def event(source):
    return (source, "X", "none", None, None, None, None, 0, "recorded", 0, None, None, source)


@pytest.fixture
def graph(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setattr(running, "run_pipeline", stand_in)
    return stand_in


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in" / "2026-06-01"
    folder.mkdir(parents=True)
    (folder / "a.ndjson").write_bytes(b"{}\n{}\n")
    return tmp_path / "in"


def run(source, output, *options):
    return cli.main(["batch", "--input", str(source), "--output", str(output), *options])


def rows(output, relation):
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(f"SELECT * FROM {relation}").fetchall()


def test_a_run_publishes(graph, source, tmp_path, capsys):
    assert run(source, tmp_path / "o") == 0
    assert len(rows(tmp_path / "o", "flow_event")) == 2
    shown = capsys.readouterr()
    assert "balanced" in shown.out
    assert "warehouse.duckdb" in shown.out
    assert shown.err == ""


def test_options_reach_the_graph(graph, source, tmp_path):
    given = (
        "--as-of 2026-06-02T00:00:00Z --accept-truncated --max-line-bytes 2048 --buckets 3 --deadline-order-days 1.5 "
        "--region=europe-west1"
    )
    assert run(source, tmp_path / "o", "--quiet", *given.split()) == 0
    asked = graph.asked
    job = asked["job"]
    # The number of buckets is a power of two, so that one run can go on from the buckets of another.
    assert (job.as_of, job.read.accept_truncated, job.read.max_line_bytes, job.read.buckets) == (
        1780358400000000, True, 2048, 4,
    )  # fmt: skip
    second = 1_000_000
    assert job.keeping.deadlines == {"order": 129600 * second, "inbound": 7776000 * second, "stow": 1209600 * second}
    assert asked["beam_options"] == ["--region=europe-west1"]
    assert asked["runner"] == "FnApiRunner"
    assert job.read.progress_dir is None


BAD = {
    "from-week": (["--from", "2026-W25-3"], "expected a day like"),
    "from-basic": (["--from", "20260601"], "expected a day like"),
    "to-none": (["--to", "2026-02-30"], "expected a day like"),
    "range": (["--from", "2026-06-02", "--to", "2026-06-01"], "lies after"),
    "range-empty": (["--from", "2027-01-01"], "no files found"),
    "as-of": (["--as-of", "2026-06-01"], "expected a time like"),
    "nan": (["--deadline-order-days", "nan"], "positive number of days"),
    "inf": (["--deadline-stow-days", "inf"], "positive number of days"),
    "ages": (["--deadline-inbound-days", "1e300"], "at most 36,500"),
    "negative": (["--deadline-inbound-days=-1"], "positive number of days"),
    "line": (["--max-line-bytes", "10"], "at least 1024"),
    "workers": (["--workers", "0"], "at least 1"),
    "runner": (["--runner", "Nonsense"], "expected a Beam runner"),
    "misspelt": (["--bucket", "3"], "did you mean --buckets?"),
    "short": (["-x"], "unknown option -x"),
    "stray": (["stray"], "unknown option stray"),
    "beam-misspelt": (["--regoin", "x"], "did you mean --region?"),
    "abbreviated": (["--accept-trunc"], "did you mean --accept-truncated?"),
}


@pytest.mark.parametrize(("options", "said"), BAD.values(), ids=BAD.keys())
def test_bad_arguments(graph, source, tmp_path, capsys, options, said):
    assert run(source, tmp_path / "o", *options) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (tmp_path / "o").exists()
    assert graph.asked == {}


@pytest.mark.parametrize(
    ("given", "output", "said"),
    [
        ("", "o", "--input is empty"),
        ("in", "", "--output is empty"),
        ("in", " ", "--output is empty"),
        ("in", "in", "is the input folder"),
        ("in", "./x/../in/", "is the input folder"),
        ("in", "file", "is a file"),
        ("in", "o?", "without ?"),
        ("missing", "o", "no files found"),
    ],
)
def test_bad_folders(graph, source, tmp_path, monkeypatch, capsys, given, output, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["batch", "--input", given, "--output", output]) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--json"]], ids=["plain", "quiet", "json"])
def test_a_cut_file_is_loud_whatever_is_printed(graph, source, tmp_path, capsys, options):
    (source / "2026-06-01" / "b.ndjson.gz").write_bytes(b"\x1f\x8b\x08\x00")
    assert run(source, tmp_path / "o", *options) == 3
    shown = capsys.readouterr()
    assert "2026-06-01/b.ndjson.gz" in (shown.err if options else shown.out)
    assert len(rows(tmp_path / "o", "flow_event")) == 2
    if options == ["--json"]:
        assert json.loads(shown.out)["problems"][0]["problem"]


@pytest.mark.parametrize("name", ["[bold]a", "[nothing]a"])
def test_file_names_are_no_markup(graph, source, tmp_path, capsys, name):
    (source / "2026-06-01" / f"{name}.ndjson.gz").write_bytes(b"\x1f\x8b")
    assert run(source, tmp_path / "[bold]o") == 3
    shown = capsys.readouterr().out
    assert f"{name}.ndjson.gz" in shown
    assert "[bold]o" in shown


def lose_event(outcome):
    outcome.counts["events_folded"] -= 1
    return outcome


def lose_line(outcome):
    outcome.counts["lines_accepted"] -= 1
    return outcome


def lose_file(outcome):
    return RunOutcome(outcome.counts, outcome.as_of, outcome.parts, outcome.files[1:])


def lose_part(outcome):
    return RunOutcome(outcome.counts, outcome.as_of, [], outcome.files)


def lose_file_with_its_counts(outcome):
    lost = outcome.files[-1]["lines"]
    for name in ("lines_read", "lines_accepted", "events_accepted", "events_outside_flows"):
        outcome.counts[name] -= lost
    return RunOutcome(outcome.counts, outcome.as_of, outcome.parts, outcome.files[:-1])


@pytest.mark.parametrize(
    "change", [lose_event, lose_line, lose_file, lose_part, lose_file_with_its_counts], ids=lambda f: f.__name__
)
def test_an_unbalanced_run_publishes_nothing(graph, source, tmp_path, capsys, change):
    out = tmp_path / "o"
    assert run(source, out) == 0
    before = (out / "manifest.json").read_bytes(), (out / "warehouse.duckdb").read_bytes()
    files = sorted(out.rglob("*"))
    (source / "2026-06-01" / "more.ndjson").write_bytes(b"{}\n")
    graph.change = change
    capsys.readouterr()
    assert run(source, out) == 4
    shown = capsys.readouterr()
    assert "nothing was published" in shown.err
    assert "manifest.json" not in shown.out
    assert ((out / "manifest.json").read_bytes(), (out / "warehouse.duckdb").read_bytes()) == before
    if change is not lose_part:  # of a part that was not told nobody knows; the next run cleans it up
        assert sorted(out.rglob("*")) == files


def test_an_unbalanced_run_keeps_a_published_part_of_the_same_content(graph, source, tmp_path):
    assert run(source, tmp_path / "o", "--quiet") == 0
    graph.change = lose_event
    assert run(source, tmp_path / "o", "--quiet", "--again") == 4
    for parts in read_manifest(str(tmp_path / "o"))["relations"].values():
        assert all((tmp_path / "o" / part["path"]).exists() for part in parts)


def test_a_first_unbalanced_run_leaves_no_manifest(graph, source, tmp_path):
    graph.change = lose_event
    assert run(source, tmp_path / "o", "--quiet") == 4
    assert read_manifest(str(tmp_path / "o")) is None
    assert not (tmp_path / "o" / "warehouse.duckdb").exists()


def test_a_file_that_the_outcome_forgets_is_no_balance(graph, source, tmp_path):
    graph.change = lambda outcome: replace(outcome, files=[])
    assert run(source, tmp_path / "o", "--quiet") == 4


def fail(outcome):
    raise RuntimeError("the disk is full\nand more")


def interrupt(outcome):
    raise KeyboardInterrupt


def test_a_failure_says_what_and_how_to_learn_more(graph, source, tmp_path, capsys):
    assert run(source, tmp_path / "o") == 0
    before = (tmp_path / "o" / "manifest.json").read_bytes()
    graph.change = fail
    capsys.readouterr()
    assert run(source, tmp_path / "o", "--again") == 1
    shown = capsys.readouterr()
    assert shown.err == "flowfacts batch: failed: the disk is full\nrun again with --verbose for the whole story\n"
    assert (tmp_path / "o" / "manifest.json").read_bytes() == before
    with pytest.raises(RuntimeError, match="disk is full"):
        run(source, tmp_path / "o", "--verbose", "--again")


def test_an_interrupt_leaves_what_is_published(graph, source, tmp_path, capsys):
    assert run(source, tmp_path / "o") == 0
    before = (tmp_path / "o" / "manifest.json").read_bytes()
    graph.change = interrupt
    assert run(source, tmp_path / "o", "--again") == 130
    assert "interrupted" in capsys.readouterr().err
    assert (tmp_path / "o" / "manifest.json").read_bytes() == before


def test_an_interrupt_of_duckdb_is_one_too(graph, source, tmp_path, monkeypatch, capsys):
    def build(output, manifest):
        raise duckdb.InterruptException("Query interrupted")

    monkeypatch.setattr(running.warehouse, "build", build)
    assert run(source, tmp_path / "o") == 130
    assert "run again" in capsys.readouterr().err


def test_json_is_all_that_is_printed(graph, source, tmp_path, capsys):
    assert run(source, tmp_path / "o", "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["run"]["lines_read"] == 2
    assert shown.err == ""


def test_quiet_prints_nothing(graph, source, tmp_path, capsys):
    assert run(source, tmp_path / "o", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["FnApiRunner", "fnapirunner", "DirectRunner", "DataflowRunner"])
def test_runners_of_beam_are_known(name):
    check_runner(name)


@pytest.mark.parametrize("name", ["", "Nonsense", "no.such.module.Runner", "json.Nothing"])
def test_other_runners_are_not(name):
    with pytest.raises(OptionError, match="expected a Beam runner"):
        check_runner(name)


def test_workers_are_started_only_where_they_pay(source):
    options = BatchOptions("a", "b", workers=2)
    assert options.beam_arguments(1 << 20) == []
    assert options.beam_arguments(1 << 30) == ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    chosen = BatchOptions("a", "b", workers=2, beam_options=("--direct_num_workers=1",))
    assert chosen.beam_arguments(1 << 30) == ["--direct_num_workers=1"]
    assert BatchOptions("a", "b", workers=2, runner="DataflowRunner").beam_arguments(1 << 30) == []
    assert BatchOptions("a", "b", workers=1).beam_arguments(1 << 30) == []


def test_help_is_cheap_and_teaches():
    code = (
        "import sys; sys.argv = ['flowfacts', 'batch', '--help']\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'apache_beam', 'pyarrow', 'duckdb', 'rich', 'pipelines.simulator.run'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("examples:", "exit codes:", "--accept-truncated", "gs://"):
        assert word in done.stdout


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["--help"], 0), ([], 2), (["nonsense"], 2)])
def test_the_command_itself(arguments, code, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == code
    shown = capsys.readouterr()
    assert "flowfacts" in shown.out + shown.err


def test_simulate_has_its_own_arguments(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["simulate", "--help"])
    assert end.value.code == 0
    assert "--orders-per-day" in capsys.readouterr().out
