"""Where the repository is and where the published open figures are (tests that need them skip without)."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXPECTED = (
    "takes long: set PCREF_EVERY_CASE",
    "Windows has no rights",
    "takes estimates, bins",
)  # skips that CI may see


class Skips:
    """Fail a run of CI in which a test was skipped that should have run there."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def pytest_runtest_logreport(self, report):
        reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
        if report.skipped and not any(words in reason for words in EXPECTED):
            self.seen[report.nodeid] = reason

    def pytest_sessionfinish(self, session):
        if self.seen and os.environ.get("CI"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for test, reason in self.seen.items():
            terminalreporter.write_line(f"skipped: {test}: {reason}")


def pytest_configure(config):
    config.pluginmanager.register(Skips())


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="pin the demo's figures as they are now")


@pytest.fixture(scope="session")
def open_data() -> Path:
    folder = Path(os.environ.get("PCREF_OPEN_DATA") or ROOT.parent / "shared" / "data" / "open")
    if not folder.is_dir():
        pytest.skip("the published open figures are not here (set PCREF_OPEN_DATA)")
    return folder
