"""Thirty seeded tamperings that the reviewers' check must find and place: by the seals, or by running again."""

import random
import re
from pathlib import Path

import nbformat
import pytest

from pcref_analysis.publish import review
from pcref_analysis.report import run_notebooks
from pcref_analysis.store import notebook_seals
from pcref_analysis.store.notebook_seals import MIME

SEALED, SHOWN = 12, 18


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [(cell, output) for cell in notebook.cells for output in cell.get("outputs", [])]


def another_digit(text, chance):
    places = [match.start() for match in re.finditer(r"(?<=[ >,(|])\d", text)] or [
        match.start() for match in re.finditer(r"\d", text)
    ]
    place = chance.choice(places)
    return f"{text[:place]}{(int(text[place]) + chance.randint(1, 9)) % 10}{text[place + 1 :]}"


def changed_parameter(notebook, chance):
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    cell.source = cell.source.replace("2023-24", "2022-23")
    return cell.id


def removed_cell(notebook, chance):
    cell = chance.choice(notebook.cells[2:])
    notebook.cells.remove(cell)
    return cell.id


def added_cell(notebook, chance):
    cell = nbformat.v4.new_markdown_cell("Black residents are more often ill.")
    notebook.cells.insert(chance.randint(2, len(notebook.cells)), cell)
    return cell.id


def changed_words(notebook, chance):
    cell = chance.choice([c for c in notebook.cells if c.cell_type == "markdown"])
    cell.source = cell.source.replace(" ", "  ", 1)
    return cell.id


def changed_picture(notebook, chance):
    cell, output = chance.choice([pair for pair in outputs(notebook) if pair[1].data[MIME]["kind"] == "figure"])
    output.data["text/html"] = another_digit(output.data["text/html"], chance)
    return cell.id


SOURCES = [changed_parameter, removed_cell, added_cell, changed_words, changed_picture]


@pytest.mark.parametrize("seed", range(SEALED))
def test_the_seals_tell_what_was_done_to_a_notebook(seed):
    chance = random.Random(seed)
    notebook = read(chance.choice(run_notebooks.notebooks()))
    assert notebook_seals.broken(notebook, "x") == []
    where = SOURCES[seed % len(SOURCES)](notebook, chance)
    assert [one.cell for one in notebook_seals.broken(notebook, "x")] == [where]


def test_cells_in_another_order_and_a_notebook_without_seals_are_told():
    notebook = read(run_notebooks.notebooks()[0])
    notebook.cells[3], notebook.cells[4] = notebook.cells[4], notebook.cells[3]
    assert [one.what for one in notebook_seals.broken(notebook, "x")] == ["cells stand in another order"]
    del notebook.metadata["pcref"]
    assert "no seals" in notebook_seals.broken(notebook, "x")[0].what


def digit_in_words(output, chance):
    output.data["text/plain"] = another_digit(output.data["text/plain"], chance)


def digit_in_page(output, chance):
    key = "text/html" if "text/html" in output.data else "text/markdown"
    output.data[key] = another_digit(output.data[key], chance) if re.search(r"\d", output.data[key]) else "x"


def digit_in_table(output, chance):
    output.data[MIME]["csv"] = another_digit(output.data[MIME]["csv"], chance)


def swapped_label(output, chance):
    csv = output.data[MIME]["csv"]
    output.data[MIME]["csv"] = csv.replace("Mixed", "?").replace("White", "Mixed").replace("?", "White")


def other_data(output, chance):
    output.data[MIME]["data"] = "0" * 16


def other_title(output, chance):
    output.data[MIME]["title"] += "s"


def possible(output):
    kinds = [digit_in_words, other_title] if re.search(r"\d", output.data["text/plain"]) else [other_title]
    kinds += [digit_in_page] + [other_data] * (output.data[MIME]["kind"] == "figure")
    if "csv" in output.data[MIME]:
        kinds += [digit_in_table] + [swapped_label] * ("White" in output.data[MIME]["csv"])
    return kinds


@pytest.mark.slow
def test_running_again_tells_what_was_done_to_an_output(tmp_path):
    """Three outputs of each notebook are tampered with; the last one ranks what the others released, so it is last."""
    chance, done, paths = random.Random(20260101), {}, []
    for path in run_notebooks.notebooks():
        notebook = read(path)
        apart = list({cell.id: (cell, output) for cell, output in outputs(notebook)}.values())
        for cell, output in chance.sample(apart, SHOWN // 6):
            kind = chance.choice(possible(output))
            kind(output, chance)
            done[(path.name, cell.id)] = kind.__name__
        paths.append(Path(tmp_path) / path.name)
        nbformat.write(notebook, paths[-1])
    assert len(done) == SHOWN and len(set(done.values())) >= 5
    ran, differences = review.check(paths[:-1])
    again, more = review.check(paths[-1:])
    ran, differences = ran | again, differences + more
    assert {(one.notebook, one.cell) for one in differences} == set(done)
    assert [one for one in differences if not one.old or not one.new or one.old == one.new] == []
    assert all(ran[path.name] == len([c for c in read(path).cells if c.cell_type == "code"]) for path in paths)
