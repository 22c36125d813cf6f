"""What is shipped: the wheel, in an environment as the images make it, away from the source tree.

The steps are those of the Dockerfiles, read from them and run here with their folders moved below a temporary one.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "deploy" / "containers"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build it from a copy, so that nothing of an older build gets in."""
    tree = tmp_path_factory.mktemp("tree") / "flowfacts"
    left = shutil.ignore_patterns(
        ".git", ".venv", "build", "*.egg-info", "__pycache__", "tests", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, tree, ignore=left)
    out = tmp_path_factory.mktemp("wheel")
    words = ["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([sys.executable, *words, "--wheel-dir", str(out), str(tree)], check=True, timeout=300)
    (made,) = out.glob("flowfacts-*.whl")
    return made


def install(name, wheel, place):
    """Do the COPY and RUN steps of the first stage of a Dockerfile; gives the programs that it has installed."""
    text = (CONTAINERS / f"{name}.Dockerfile").read_text().replace("\\\n", " ")
    stage = text[: [m.start() for m in re.finditer(r"^FROM ", text, re.MULTILINE)][1]]
    python = place / "base"
    python.mkdir()
    (python / "python").symlink_to(sys.executable)
    steps = 0
    for word, rest in re.findall(r"^(COPY|RUN) (.+)$", stage, re.MULTILINE):
        if word == "COPY":
            *sources, target = rest.split()
            folder = place / target.strip("/")
            folder.mkdir(parents=True, exist_ok=True)
            for source in sources:
                shutil.copy(wheel if "*.whl" in source else ROOT / source, folder)
        else:
            script = re.sub(r"(?<![\w.])/(opt|build)/", f"{place}/\\1/", rest)
            done = subprocess.run(
                ["/bin/sh", "-ec", script], cwd=place, capture_output=True, text=True, check=False, timeout=900,
                env={"PATH": f"{python}:/usr/bin:/bin", "HOME": str(place),
                     "PIP_CACHE_DIR": str(Path.home() / ".cache/pip"),
                     "CC": "/bin/false"},
            )  # fmt: skip
            assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
            steps += 1
    assert steps == 2
    return place / "opt/flowfacts/bin"


def run(programs, cwd, *words, code=0):
    done = subprocess.run(
        [programs / words[0], *map(str, words[1:])], cwd=cwd, capture_output=True, text=True, check=False, timeout=300,
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == code, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_image_of_the_jobs_works_away_from_the_source_tree(wheel, tmp_path_factory):
    """One test, for its environment takes minutes to make."""
    jobs = install("jobs", wheel, tmp_path_factory.mktemp("jobs"))
    tmp_path = tmp_path_factory.mktemp("elsewhere")
    check_commands(jobs, tmp_path)
    check_contents(jobs)
    check_run_job(jobs, tmp_path)


def check_commands(jobs, folder):
    assert "batch" in run(jobs, folder, "flowfacts", "--help")
    assert re.fullmatch(r"flowfacts \d+\.\d+\.\d+\S*\n", run(jobs, folder, "flowfacts", "--version"))
    words = ["--output", "tenant", "--days", 2, "--orders-per-day", 5, "--workers", 1]
    run(jobs, folder, "flowfacts", "simulate", *words)
    words = ["--input", "tenant/export", "--output", "facts", "--workers", 1, "--quiet"]
    run(jobs, folder, "flowfacts", "batch", *words)
    assert "2026-06-01" in run(jobs, folder, "flowfacts", "status", "--output", "facts")
    orders = parquet.read_metadata(folder / "tenant/truth/order_flow.parquet").num_rows
    counted = "SELECT count(*) AS orders FROM order_flow"
    told = run(jobs, folder, "flowfacts", "query", counted, "--output", "facts", "--format", "csv")
    assert told.split() == ["orders", str(orders)]
    run(jobs, folder, "flowfacts", "report", "--warehouse", "facts", "--output", "report.html")
    assert "<svg" in (folder / "report.html").read_text()
    where = run(jobs, folder, "python", "-c", "import pipelines, pipelines.dashboard.app; print(pipelines.__file__)")
    assert str(jobs.parent) in where


def check_contents(jobs):
    # No installer, and no tools of development.
    assert not (jobs / "pip").exists()
    site = next((jobs.parent / "lib").glob("python3.*")) / "site-packages"
    names = {f.name.split("-")[0].lower() for f in site.glob("*.dist-info")}
    assert "flowfacts" in names
    assert not names & {"pip", "setuptools", "pytest", "mypy", "ruff", "tests"}
    assert not (site / "tests/unit/test_tables.py").exists()


def check_run_job(jobs, tmp_path):
    shutil.copy(CONTAINERS / "run-job", jobs / "run-job")
    assert "flowfacts" in run(jobs, tmp_path, "run-job", "--version")
    run(jobs, tmp_path, "run-job", "batch", "--input", "nothing", "--output", "facts", code=2)


def test_workers_and_launcher_have_all_that_they_import(wheel, tmp_path):
    """The launcher's file is run as the flex template runs it, in the environment of the workers."""
    programs = install("worker", wheel, tmp_path)
    shutil.copy(CONTAINERS / "launch.py", tmp_path / "launch.py")
    assert "flowfacts stream" in run(programs, tmp_path, "python", "launch.py", "--help")
    run(programs, tmp_path, "python", "launch.py", "--output=gs://b/facts", code=2)
    run(
        programs,
        tmp_path,
        "python",
        "-c",
        "import apache_beam.runners.worker.sdk_worker_main, pipelines.stream, pipelines.batch",
    )
