"""What a long command tells: lines of what is done, the share done, and about how long the rest will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

STEP = 0.1  # of the work between two plain lines ...
PAUSE = 5.0  # ... and seconds: a short command says nothing


class Progress:
    """Called with a line, prints it; told what share is done, shows a bar, or a plain line where there is no terminal.

    A library's functions take any ``say`` that can be called with a line; what they tell of their share
    (:func:`share`, :func:`part`) reaches only a ``say`` of this kind.
    """

    def __init__(self, what: str) -> None:
        self._what, self._low, self._high = what, 0.0, 1.0
        self._start, self._last = time.monotonic(), (0.0, time.monotonic())
        self._bar: Bar | None = None

    def __call__(self, line: str) -> None:
        """Print a line at once, above the bar where there is one."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, flush=True)

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Show the bar while the block runs, on a terminal; nothing but plain lines is written elsewhere."""
        if not sys.stdout.isatty():
            yield self
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=sys.stdout), transient=True) as self._bar:
            self._bar.add_task(self._what, total=1.0)
            try:
                yield self
            finally:
                self._bar = None

    @contextmanager
    def part(self, low: float, high: float) -> Iterator[None]:
        """Take the shares that are told in the block for shares of a part of the work (both ends between 0 and 1)."""
        before, width = (self._low, self._high), self._high - self._low
        self._low, self._high = before[0] + low * width, before[0] + high * width
        try:
            yield
            self.share(1.0)
        finally:
            self._low, self._high = before

    def share(self, done: float) -> None:
        """Tell what share of the current part is done (0 to 1)."""
        share, now = self._low + min(done, 1.0) * (self._high - self._low), time.monotonic()
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=share)
        elif share < 1 and share - self._last[0] > STEP - 1e-9 and now >= self._last[1] + PAUSE:
            self._last = (share, now)
            left = (now - self._start) * (1 - share) / share
            print(f"  {self._what}: {share:.0%} done, about {_time(left)} left", flush=True)


def share(say: Callable[[str], None], done: float) -> None:
    """Tell a listener what share of the current part is done, if it wants to know."""
    if isinstance(say, Progress):
        say.share(done)


def part(say: Callable[[str], None], low: float, high: float) -> AbstractContextManager[None]:
    """Take the shares told in a block for shares of a part of the work (see :meth:`Progress.part`)."""
    return say.part(low, high) if isinstance(say, Progress) else nullcontext()


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
