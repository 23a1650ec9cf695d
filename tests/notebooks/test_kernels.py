"""One kernel runs several notebooks, and each finds it as if it were new."""

import nbformat

from pcref_analysis.report import run_notebooks

FIRST = "import os\nseen = globals().get('seen', 0) + 1\nprint(seen, os.getpid())"
SECOND = "print(len(globals().get('Out', {})))"


def test_a_kernel_is_used_again_and_is_empty(tmp_path):
    def printed(name: str) -> list[str]:
        source = tmp_path / f"{name}.ipynb"
        cells = [nbformat.v4.new_code_cell(code) for code in (FIRST, SECOND)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), source)
        plan = {
            "source": source,
            "target": tmp_path / f"{name}-done.ipynb",
            "values": {},
            "key": "",
            "released": tmp_path,
        }
        run_notebooks._run(plan, lambda line: None, kernels)
        done = nbformat.read(plan["target"], as_version=4).cells
        assert [cell["execution_count"] for cell in done] == [1, 2]
        return [cell["outputs"][0]["text"].strip() for cell in done]

    with run_notebooks.Kernels(tmp_path, {}) as kernels:
        first, second = printed("one"), printed("two")
        assert first == second  # the same process, in which nothing had been named
