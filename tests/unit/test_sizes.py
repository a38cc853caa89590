"""Modules and functions stay small enough to be read in one go."""

import ast

import pytest

from warehouse.base.paths import PROJECT_DIR

MODULES = sorted(
    path
    for folder in ("warehouse", "benchmarks")
    for path in (PROJECT_DIR / folder).rglob("*.py")
    if ".peers" not in path.parts  # packages that benchmarks/joins.py installs
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_module_and_its_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is longer than 60 lines"
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            given = [p for p in parameters if p.arg not in ("self", "cls")]
            assert len(given) <= 6, f"{node.name} has {len(given)} parameters"
