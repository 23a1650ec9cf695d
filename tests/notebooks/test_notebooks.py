"""What a committed notebook may look like, and that its outputs are the invented Trust's and nothing else."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from pcref_analysis.report import output_check, run_notebooks
from pcref_analysis.store import notebook_seals
from pcref_analysis.vocabulary.parameters import Parameters

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=PATHS, ids=lambda p: p.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters_cell(notebook):
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]


def test_there_are_six():
    assert [p.stem[:2] for p in PATHS] == ["00", "01", "02", "03", "04", "05"]


def test_it_asks_a_question_and_ends_with_its_limits(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    assert re.match(r"# .*\?", notebook.cells[0].source)
    assert notebook.cells[-1].source.startswith("## What this does not show")


def test_it_is_short_and_holds_no_machinery(notebook):
    more = 2 if any("study.published" in cell.source for cell in code(notebook)) else 0  # England and other boards
    assert len(code(notebook)) <= 13 + more
    for cell in code(notebook):
        tree = ast.parse(cell.source)
        kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda)
        assert not any(isinstance(node, kinds) for node in ast.walk(tree)), cell.source
        assert len(cell.source.splitlines()) <= 8
        assert not cell.source.rstrip().endswith(";")


def _items(node):
    return zip(node.keys, node.values, strict=True)


def _source(node, given):
    """The table that a call shows: shown.levels, or what is worked out of it (pcref.derived.f(shown.levels, ...))."""
    node = given[node.id] if isinstance(node, ast.Name) else node
    return node.args[0].attr if isinstance(node, ast.Call) else node.attr


DOMAINS = PATHS[1:5]
PUBLISHED = {
    "experience": {"england", "other_boards", "boards", "routes"},
    "outcomes": {"therapies"},
}  # of study.context
VERBS = {"crude", "standardised", "ladder", "other_comparators", "model_checks"}


@pytest.mark.parametrize("path", DOMAINS, ids=lambda p: p.stem)
def test_every_figure_it_shows_comes_from_a_call_in_it(path):
    """Cells are loaded, rates standardised, gaps adjusted and tables released in the notebook, with real arguments."""
    calls, given, made = {}, {}, set()
    for node in ast.walk(ast.parse("\n".join(cell.source for cell in code(nbformat.read(path, as_version=4))))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            calls.setdefault(node.func.attr, []).append(node)
        if isinstance(node, ast.Assign):
            several = isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = (
                zip(node.targets[0].elts, node.value.elts, strict=True) if several else [(node.targets[0], node.value)]
            )
            given |= {name.id: made_of for name, made_of in pairs if isinstance(name, ast.Name)}
    assert set(calls) >= VERBS | {"cells", "release"}
    assert all(call.keywords or call.args for verb in VERBS for call in calls[verb])
    (release,) = calls["release"]
    for keyword in release.keywords:
        names = {node.id for node in ast.walk(keyword.value) if isinstance(node, ast.Name)}
        assert names <= set(given), f"{keyword.arg} is made nowhere in this notebook"
        made |= {keyword.arg} - {None}
        if keyword.arg is None:  # **topics, among them what published figures alone bring (study.context)
            made |= {key.value for name in names for key in given[name].keys if key is not None}
            inner = [value for name in names for key, value in _items(given[name]) if key is None]
            assert {value.func.attr for value in inner} <= {"context"}
            pages = [value.args[0].value if value.args else "experience" for value in inner]
            made |= {name for page in pages for name in PUBLISHED[page]}
    shown = {
        _source(node.args[0], given)
        for kind in ("tables", "figures")
        for calls_of in calls.values()
        for node in calls_of
        if isinstance(node.func.value, ast.Attribute) and node.func.value.attr == kind
    }
    assert shown and shown <= made


def test_its_parameters_are_known_and_explained(notebook):
    (cell,) = parameters_cell(notebook)
    for line in cell.source.splitlines():
        name, rest = line.split(" = ", 1)
        assert name in Parameters.model_fields, f"{name} is no parameter"
        assert "  # " in rest, f"{name} has no comment, which papermill shows as help"
    assert 'run = "demo"' in cell.source


def test_what_it_shows_came_through_the_door_and_is_marked_synthetic(notebook):
    shown = [output for cell in code(notebook) for output in cell.outputs]
    assert shown, "no outputs: run pcref notebooks"
    for output in shown:
        assert output_check._fault(output) == ""
        record = output["data"][output_check.MIME]
        if record["kind"] != "text":
            assert record["synthetic"] is True


def test_nothing_in_it_changes_from_run_to_run(notebook):
    text = json.dumps(notebook)
    assert not re.search(r"(?<![\w.:/])/(?:home|Users|root|tmp|work|mnt)/", text)
    assert not re.search(r"[A-Z]:\\\\Users", text)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "pcref"}
    for cell in notebook.cells:
        assert not set(cell.metadata) & set(run_notebooks.VOLATILE)


def test_every_figure_names_a_table_that_is_shown(notebook):
    records = [o["data"][output_check.MIME] for cell in code(notebook) for o in cell.outputs]
    ids = {record["id"] for record in records}
    for record in records:
        if record["kind"] == "figure":
            assert record["source_table"] in ids
            assert record["alt"].strip()


def test_each_output_names_its_own_call_where_a_cell_shows_several():
    calls = {record["id"]: record["call"] for record in output_check.collect(PATHS[:1])}
    assert calls["recording-teams"] == "tables.teams"
    assert calls["recording-teams-chart"] == "figures.funnel"


def test_the_gate_names_a_cell_that_goes_round_the_door(tmp_path, notebook):
    from nbformat.v4 import new_code_cell, new_output

    for output in (
        new_output("stream", name="stdout", text="7 people"),
        new_output("execute_result", data={"text/plain": "3"}),
        new_output("error", ename="ValueError", evalue="a value", traceback=[]),
        new_output("display_data", data={"image/png": "aGk="}),
    ):
        broken = nbformat.from_dict(json.loads(json.dumps(notebook)))
        broken.cells.append(new_code_cell("x", outputs=[output]))
        path = tmp_path / "09_broken.ipynb"
        nbformat.write(broken, path)
        with pytest.raises(Exception, match=f"09_broken.ipynb, cell {len(broken.cells)}") as caught:
            output_check.collect([path])
        assert "7 people" not in str(caught.value) and "a value" not in str(caught.value)


def test_the_tutorial_shows_the_invented_trust_alone_and_is_sealed():
    notebook = nbformat.read(run_notebooks.tutorial(), as_version=4)
    assert notebook_seals.broken(notebook, "exploring") == []
    assert notebook.metadata.kernelspec.name == "python3"  # else JupyterLab asks for a kernel
    assert "synthetic" in notebook.cells[0].source and "confidential" in notebook.cells[0].source
    text = "\n".join(cell.source for cell in code(notebook))
    assert set(re.findall(r'(?:load|count)\("(\w+)"', text)) == {"demo"}
    assert len(code(notebook)) <= 12 and all(
        output.output_type != "error" for c in code(notebook) for output in c.outputs
    )
    assert not re.search(r"(?<![\w.:/])/(?:home|Users|root|tmp|work|mnt)/", json.dumps(notebook))


def test_names_can_be_completed_in_a_live_kernel():
    import pcref_analysis as pcref

    assert {"detentions", "section_136"} <= set(dir(pcref.INDICATORS))
    assert pcref.GROUPS.Black_or_Black_British == "Black or Black British"
    assert {"INDICATORS", "GROUPS", "load", "count", "interactive", "regression"} <= set(dir(pcref))
    with pytest.raises(AttributeError, match="Did you mean 'detentions'"):
        _ = pcref.INDICATORS.detention
    with pytest.raises(AttributeError, match="Did you mean 'rates'"):
        _ = pcref.rate
