"""Where the repository is and where the published open figures are (tests that need them skip without)."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def open_data() -> Path:
    folder = Path(os.environ.get("PCREF_OPEN_DATA") or ROOT.parent / "shared" / "data" / "open")
    if not folder.is_dir():
        pytest.skip("the published open figures are not here (set PCREF_OPEN_DATA)")
    return folder
