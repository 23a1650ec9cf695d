"""A reviewer's plan is the report's: by what readers had seen, where the report's was."""

from types import SimpleNamespace

import pytest

from pcref_analysis.publish import review


@pytest.mark.parametrize("later", [True, False])
def test_a_plan_by_earlier_editions_is_made_again_by_them(tmp_path, monkeypatch, later):
    (tmp_path / "plan").mkdir()
    asked = []

    def plan(previous=()):
        asked.append((list(previous), (tmp_path / "plan").is_dir()))
        return SimpleNamespace(later=later)

    monkeypatch.setattr(review.runs, "earlier", lambda run: ["edition"])
    monkeypatch.setattr(review.release_tables, "read", lambda folder: [f"table of {folder}"])
    review.plan_again(SimpleNamespace(parameters=SimpleNamespace(run="x"), plan=plan), tmp_path)
    assert asked == [([], True), (["table of edition"] if later else [], False)]
