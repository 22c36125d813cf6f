"""Imports point one way: schemas <- transforms <- pipelines; the core knows no Beam and no cloud client."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# By folder, what no file below it may import; a file is held to every folder that it lies in.
FORBIDDEN = {
    "schemas": {"transforms", "pipelines", "tests", "deploy"},
    "transforms": {"pipelines", "tests", "deploy", "google"},
    "pipelines": {"tests", "deploy"},
    "pipelines/simulator": {"transforms", "apache_beam"},
}
SCHEMAS_MAY_IMPORT = {*sys.stdlib_module_names, "pyarrow", "schemas"}
BEAM_FOLDERS = ("pipelines/", "transforms/ptransforms")

FILES = sorted(
    file.relative_to(ROOT).as_posix()
    for package in ("schemas", "transforms", "pipelines")
    for file in (ROOT / package).rglob("*.py")
)

# Imports each module below the packages, then prints what that has loaded. The start of the interpreter already
# loads some of `google`, through the .pth file of a dependency, hence the difference.
IMPORT_ALL = """
import importlib, json, pkgutil, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.startswith("transforms.ptransforms") and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _loaded_by(*packages: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *packages], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return modules


def _among(modules: list[str], *roots: str) -> list[str]:
    return [module for module in modules if module.split(".", 1)[0] in roots]


def _imports(file: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"), file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".", 1)[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays in its top package; ruff refuses it anyway.
            yield node.lineno, (node.module or "").split(".", 1)[0] if node.level == 0 else file.split("/", 1)[0]


def test_core_loads_neither_beam_nor_a_cloud_client():
    modules = _loaded_by("schemas", "transforms")
    assert _among(modules, "schemas", "transforms"), "nothing was imported"
    assert _among(modules, "apache_beam", "google", "pipelines", "tests") == []


def test_schemas_load_nothing_of_the_layers_above():
    assert _among(_loaded_by("schemas"), "transforms", "pipelines", "msgspec", "duckdb") == []


def test_simulator_loads_nothing_of_the_code_that_it_tests():
    assert _among(_loaded_by("pipelines.simulator"), "transforms", "apache_beam", "tests") == []


@pytest.mark.parametrize("file", FILES)
def test_imports_point_one_way(file: str):
    forbidden = set().union(*(names for folder, names in FORBIDDEN.items() if file.startswith(f"{folder}/")))
    if not file.startswith(BEAM_FOLDERS):
        forbidden.add("apache_beam")
    wrong = [f"{file}:{line} imports {name}" for line, name in _imports(file) if name in forbidden]
    if file.startswith("schemas/"):
        wrong += [f"{file}:{line} imports {name}" for line, name in _imports(file) if name not in SCHEMAS_MAY_IMPORT]
    assert wrong == []
