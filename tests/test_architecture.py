"""The structure of the house, held to by machine: import direction, fences, sizes, forbidden words."""

import ast
import re
import subprocess
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
FLOORS = ["crs", "layers", "spatial_join", "twin", "dashboards"]  # each may import those before it

# library -> the files that may import it (a folder ends in "/")
FENCES = {
    "pyproj": ["crs/"],
    "panel": ["dashboards/"],
    "param": ["dashboards/"],
    "pydeck": ["dashboards/"],
    "h3": ["crs/cells.py", "spatial_join/grid.py", "spatial_join/index.py"],
    "dask": ["crs/lazy.py", "spatial_join/lazy/", "layers/lazy/", "twin/build.py", "twin/store.py"],
    "distributed": ["spatial_join/lazy/", "layers/lazy/", "twin/build.py", "twin/store.py"],
}


def modules() -> list[Path]:
    return sorted(p for floor in FLOORS for p in (HOUSE / floor).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = ast.get_docstring(function, clean=False)
    return (function.end_lineno or function.lineno) - function.lineno - (doc.count("\n") + 1 if doc else 0)


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    found = {name_of(p): ast.parse(p.read_text(encoding="utf-8")) for p in modules()}
    assert len(found) >= len(FLOORS), "the five folders hold no modules: this test looks in the wrong place"
    return found


def test_imports_point_to_the_more_fundamental_room(trees):
    faults = []
    for name, tree in trees.items():
        floor = FLOORS.index(name.split("/")[0])
        for module, line in imports(tree):
            root = module.split(".")[0]
            if root in FLOORS and FLOORS.index(root) > floor:
                faults.append(f"{name}:{line} imports {module}, which stands above it")
            if root in {"tests", "benchmarks", "data_samples"}:
                faults.append(f"{name}:{line} imports {module}, which is not part of the product")
    assert not faults, "\n".join(faults)


def test_each_library_stays_behind_its_fence(trees):
    faults = [
        f"{name}:{line} imports {module}, which only {FENCES[module.split('.')[0]]} may"
        for name, tree in trees.items()
        for module, line in imports(tree)
        if (allowed := FENCES.get(module.split(".")[0]))
        and not any(name == a or (a.endswith("/") and name.startswith(a)) for a in allowed)
    ]
    assert not faults, "\n".join(faults)


def test_no_import_inside_a_function(trees):
    faults = [
        f"{name}:{node.lineno}"
        for name, tree in trees.items()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not faults, "an import inside a function hides a circle or a missing dependency:\n" + "\n".join(faults)


def test_no_circles_between_modules_types_included(trees):
    """A package's own ``__init__`` is left out: it gathers the faces of what lies under it."""
    modules = {name.removesuffix(".py").replace("/", "."): tree for name, tree in trees.items()}
    graph = {
        module: {
            found
            for name, _ in imports(tree)
            for found in (name, *(f"{name}.{part}" for part in imported_names(tree, name)))
            if found in modules and found != module
        }
        for module, tree in modules.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def imported_names(tree: ast.AST, module: str) -> list[str]:
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == module)
    return [alias.name for node in nodes for alias in node.names]


def test_modules_and_functions_fit_on_a_page(trees):
    faults = []
    for name, tree in trees.items():
        length = len((HOUSE / name).read_text(encoding="utf-8").splitlines())
        if length > 400:
            faults.append(f"{name}: {length} lines (400)")
        for function in functions(tree):
            where = f"{name}:{function.lineno} {function.name}"
            if (length := lines_without_docstring(function)) > 60:
                faults.append(f"{where}: {length} lines (60)")
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            arguments = [a for a in arguments if a.arg not in {"self", "cls"}]
            if len(arguments) > 6 and not any(_is_command(d) for d in function.decorator_list):
                faults.append(f"{where}: {len(arguments)} parameters (6)")
            booleans = [a.arg for a in arguments if isinstance(a.annotation, ast.Name) and a.annotation.id == "bool"]
            if len(booleans) > 1 and not any(_is_command(d) for d in function.decorator_list):
                faults.append(f"{where}: booleans {booleans} (1): an enum or options class says more")
    assert not faults, "\n".join(faults)


def _is_command(decorator: ast.expr) -> bool:
    """A command-line option is a parameter by the framework's rule, not by our choice."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "command"


def test_no_vague_names():
    vague = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|processor)(_|$|\.)")
    faults = [name_of(p) for p in modules() if vague.search(p.stem)]
    assert not faults, faults


def test_users_see_named_errors_and_no_prints(trees):
    faults = []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                faults.append(f"{name}:{node.lineno} prints: use logging")
            if isinstance(node, ast.Raise) and node.exc is not None:
                called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if isinstance(called, ast.Name) and called.id in {"Exception", "ValueError", "NotImplementedError"}:
                    faults.append(f"{name}:{node.lineno} raises a bare {called.id}: use the package's own error")
    assert not faults, "\n".join(faults)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    return [HOUSE / name for name in listed.split("\0") if name and (HOUSE / name).is_file()]


def test_no_large_file_outside_the_samples():
    large = [name_of(p) for p in tracked() if p.stat().st_size > 1_000_000 and "data_samples" not in p.parts]
    assert not large, large


def test_nothing_names_one_machine():
    # Character classes, so that this file passes its own test.
    machine = re.compile(r"(?<![\w.])/(?:h[o]me|U[s]ers|r[o]ot|w[o]rk|f[a]rm)/[\w.]")
    text = {".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".json", ".ipynb", ""}
    faults = [
        f"{name_of(p)}: {hit.group()}"
        for p in tracked()
        if p.suffix in text and p.stat().st_size < 1_000_000
        for hit in machine.finditer(p.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not faults, "\n".join(faults)
