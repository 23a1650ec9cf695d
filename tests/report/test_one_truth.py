"""One reader of a run's parameters, one place of its extract, one interpreter; the rule holds in what is published."""

import json
import shutil
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from pcref_analysis import prepare
from pcref_analysis.report import output_check, run_notebooks
from pcref_analysis.store import open_data, runs
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import FaultError, PcrefError

ROOT = Path(__file__).resolve().parents[2]
DEMO = yaml.safe_load((ROOT / "notebooks" / "parameters" / "demo.yml").read_text(encoding="utf-8"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project folder with the demo's parameters and no notebooks."""
    folder = tmp_path / "home"
    (folder / "notebooks" / "parameters").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "parameters" / "demo.yml", folder / "notebooks" / "parameters")
    monkeypatch.setenv("PCREF_HOME", str(folder))
    return folder


def write(path, **facts):
    path.write_text(yaml.safe_dump(DEMO | facts), encoding="utf-8")
    return str(path)


def notebook(home, *lines):
    """Put a notebook with a parameters cell and one cell of these lines into the project."""
    first = nbformat.v4.new_code_cell('run = "demo"\nperiod = "2023-24"', metadata={"tags": ["parameters"]})
    cells = [first, nbformat.v4.new_code_cell("\n".join(lines))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "notebooks" / "00_small.ipynb")


def printed(home, given):
    (path,) = run_notebooks.execute(given, runs.run_folder(given.run) / "notebooks", lambda line: None, "code")
    return "".join(output["text"] for output in nbformat.read(path, as_version=4).cells[-1]["outputs"])


def test_a_notebook_gets_the_parameters_that_the_command_has_checked(home):
    elsewhere = home.parent / "demo.yml"
    write(elsewhere, disclosure=DEMO["disclosure"] | {"threshold": 20}, level=0.9)
    notebook(home, "import pcref_analysis as pcref", "p = pcref.parameters.load(run, period=period)",
             "print(p.disclosure.threshold, p.level)")  # fmt: skip
    assert printed(home, parameters.load(str(elsewhere))) == "20 0.9\n"
    assert printed(home, parameters.load("demo")) == "5 0.95\n"
    assert parameters.load("demo").disclosure.threshold == 5  # a kernel started by hand reads the file


def test_a_notebook_runs_in_the_interpreter_that_called_it(home, monkeypatch):
    """Another program's kernel "python3" is found first on JUPYTER_PATH."""
    other = home.parent / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["no-such-python", "-f", "{connection_file}"], "display_name": "Other", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(home.parent / "jupyter"))
    notebook(home, "import sys", "print(sys.executable)")
    assert printed(home, parameters.load("demo")) == f"{sys.executable}\n"


def test_what_a_kernel_complains_of_is_no_line_of_the_terminal(home, capfd):
    """Sockets closed in the wrong order, while it is shut down: a traceback that is nobody's fault."""
    lines = 'import atexit, os; atexit.register(os.write, 2, b"Traceback of a socket")', 'print("done")'
    notebook(home, *lines)
    assert printed(home, parameters.load("demo")) == "done\n"
    assert "Traceback" not in capfd.readouterr().err
    assert "Traceback of a socket" in (runs.run_folder("demo") / "notebooks" / "kernels.log").read_text("utf-8")


def test_a_kernel_that_died_is_said_to_have_died(home):
    notebook(home, "import os", "os._exit(9)")
    with pytest.raises(PcrefError, match=r"00_small\.ipynb died.*memory"):
        printed(home, parameters.load("demo"))


def test_a_file_is_named_as_its_run(home):
    """demo.yml copied to ours.yml with `run: demo` left in would go over the demo's report."""
    write(home / "notebooks" / "parameters" / "ours.yml")
    for name in ("ours", str(home / "notebooks" / "parameters" / "ours.yml")):
        with pytest.raises(PcrefError, match=r"ours\.yml says run: demo.*write run: ours"):
            parameters.load(name)


@pytest.mark.parametrize("bad", [b"run: demo\nname: \xfc\n", b"\xff\xfer\0u\0n\0"])
def test_a_file_in_another_encoding_is_said_in_words(home, bad):
    (home / "notebooks" / "parameters" / "odd.yml").write_bytes(bad)
    with pytest.raises(PcrefError, match=r"odd\.yml is not UTF-8"):
        parameters.load("odd")


def test_the_comparator_is_an_ethnic_group_of_the_run(home):
    given = {"comparator": "white british", "detail": "broad"}
    with pytest.raises(PcrefError, match=r"It is one of detail: detailed; set that, or another group\."):
        parameters.load("demo", **given)
    with pytest.raises(PcrefError, match=r"  comparator: 'Wite' is no ethnic group of detail: broad\. Did you mean"):
        parameters.load("demo", comparator="Wite")
    assert parameters.load("demo", comparator="African", detail="detailed").comparator == "African"
    for detail, group in (("broad", "White"), ("detailed", "White British")):
        assert parameters.check(DEMO | {"comparator": "", "detail": detail}, "x").comparator == group


@pytest.mark.parametrize("location", ["", "data/raw/local", "~/local", "absolute"])
def test_a_new_extract_is_read_wherever_it_stands(home, monkeypatch, location):
    """With no location, the hash was of the checkout, and a new extract was never read; ``~`` was not expanded."""
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setenv("USERPROFILE", str(home.parent))
    place = {"~/local": home.parent / "local", "absolute": home.parent / "far"}.get(location, home / "data/raw/local")
    place.mkdir(parents=True)
    written = str(place) if location == "absolute" else location
    write(home / "notebooks/parameters/local.yml", run="local", source={"kind": "folder", "location": written})
    given = parameters.load("local")
    (place / "MHS001MPI.csv").write_text("Person_ID,EthnicCategory\n1,A\n", encoding="utf-8")
    first = prepare.fingerprint(given)
    assert prepare.fingerprint(given) == first
    assert list(prepare.inputs(given)) == ["MHS001MPI.csv"]
    (place / "MHS001MPI.csv").write_text("Person_ID,EthnicCategory\n1,A\n2,B\n", encoding="utf-8")
    assert prepare.fingerprint(given) != first
    assert prepare.input_folder(given) == place


def test_the_place_of_an_extract_that_is_not_there_is_named(home):
    write(home / "notebooks/parameters/local.yml", run="local", source={"kind": "folder"})
    with pytest.raises(PcrefError, match="data/raw/local"):
        prepare.fingerprint(parameters.load("local"))


def test_another_folder_with_files_of_the_same_name_size_and_time_is_another_extract(home):
    import os

    for name, text in (("one", "1,A"), ("two", "1,B")):
        (home / name).mkdir()
        (home / name / "MHS001MPI.csv").write_text(text, encoding="utf-8")
        os.utime(home / name / "MHS001MPI.csv", ns=(10**18, 10**18))
    found = set()
    for name in ("one", "two"):
        write(home / "notebooks/parameters/local.yml", run="local", source={"kind": "folder", "location": name})
        found.add(prepare.fingerprint(parameters.load("local")))
    assert len(found) == 2


TABLE = pd.DataFrame(
    {"indicator": ["detentions", "ethnicity_known"], "events": [20.0, 0.0], "at_risk": [471599.0, 140.0]}
)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [("events", 3, {}), ("at_risk", 141, {}), ("events", -5, {}), ("events", 20, {"threshold": 21}),
     ("events", 25, {"rounding": 10}), ("events", 0, {"show_zero": False})],
)  # fmt: skip
def test_a_count_that_breaks_the_rule_of_the_pages_is_not_published(home, column, value, rule):
    given = parameters.load("demo")
    given = given.model_copy(update={"disclosure": given.disclosure.model_copy(update=rule)})
    output_check.by_rule({"levels": TABLE}, parameters.load("demo"))
    bad = TABLE.copy()
    bad.loc[1, column] = value
    with pytest.raises(PcrefError, match=f"levels, column '{column}': 1 count"):
        output_check.by_rule({"levels": bad.iloc[1:]}, given)
    output_check.by_rule({"levels": bad}, given.model_copy(update={"audience": "internal"}))


def test_a_count_repeated_from_an_edition_by_another_rounding_may_stand(home):
    given = parameters.load("demo")
    given = given.model_copy(update={"disclosure": given.disclosure.model_copy(update={"rounding": 10})})
    table = pd.DataFrame({"events": [25.0], "events_status": ["repeated"]})
    output_check.by_rule({"levels": table}, given)
    output_check.by_rule({"levels": table.assign(events=3.0)}, given)  # or by another threshold: readers hold it
    with pytest.raises(PcrefError):
        output_check.by_rule({"levels": table.assign(events_status="shown")}, given)


def test_the_home_folder_is_expanded_for_open_figures_too(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setenv("USERPROFILE", str(home.parent))
    (home.parent / "figures").mkdir()
    (home.parent / "figures" / "icb24_codes.csv").write_text("a,b\n", encoding="utf-8")
    given = parameters.load("demo", open_data="~/figures")
    assert open_data.open_data_folder(given, ["icb24_codes.csv"]) == home.parent / "figures"


def test_a_notebook_that_breaks_is_told_from_data_that_is_wrong(home):
    """A KeyError is a fault of the notebook or of pcref (status 70, log); a PcrefError keeps its words."""
    secret = "NHS number 9434765919"
    notebook(home, f"raise KeyError({secret!r})")
    with pytest.raises(FaultError, match=r"00_small\.ipynb, cell 3, stopped \(KeyError\)\. This is a fault") as stopped:
        printed(home, parameters.load("demo"))
    (log,) = runs.run_folder("demo").glob("log/*.txt")
    assert log.name in str(stopped.value) and secret not in str(stopped.value) and stopped.value.status == 70
    assert secret in log.read_text(encoding="utf-8")
    notebook(home, "from pcref_analysis.vocabulary.errors import PcrefError", "raise PcrefError('period: set it.')")
    with pytest.raises(PcrefError, match=r"period: set it\.") as mended:
        printed(home, parameters.load("demo"))
    assert mended.value.status == 2
