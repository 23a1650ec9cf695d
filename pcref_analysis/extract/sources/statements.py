"""The SQL of an expression, written once: Ibis takes ten times as long to write a statement as DuckDB to run it.

What is kept is known by the whole expression (its operations, literals, columns, types; the names of tables made on
the way count by their place alone), so that a changed rule, parameter or column is another statement. No result and
no row is kept, and nothing that a row holds stands in a statement.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import sqlglot
from ibis.common.graph import Node
from ibis.common.grounds import Concrete
from ibis.expr.datatypes import DataType

MADE = "ibis_pcref_"  # the names of tables and views of the session begin so: each is another
MOST = 2_000  # three runs of checks and counts
_PLACE = "\0{}\0"
_PLAIN = (str, int, float, bool, type(None), date, Decimal, enum.Enum, DataType)  # a moment is a date


class _UnknownError(Exception):
    """A part of an expression that cannot be written down."""


@cache
def _kept() -> dict[str, str]:
    """Return the statements written so far in this process, for all tables of all sessions."""
    return {}


@cache
def _used() -> set[str]:
    """Return the keys of the statements that were asked for in this process."""
    return set()


def written(rows: ibis.Table, kind: str, write: Callable[[ibis.Table], str]) -> str:
    """Return what ``write`` makes of an expression, or what it made of the same expression before.

    ``kind`` says what it makes; the engine is part of it.
    """
    try:
        words, names = _words(rows.op())
    except _UnknownError:
        return write(rows)
    key = hashlib.sha256(f"{kind}\n{words}".encode()).hexdigest()
    if key not in _kept():
        text = write(rows)
        for place, name in enumerate(names):
            text = text.replace(name, _PLACE.format(place))
        _kept()[key] = text
    _used().add(key)
    text = _kept()[key]
    for place, name in enumerate(names):
        text = text.replace(_PLACE.format(place), name)
    return text


def _words(root: Node) -> tuple[str, list[str]]:
    """Return the whole expression as text, and the names of the tables made on the way in the order of their places."""
    numbers, queue, names, lines = {root: 0}, [root], [], []
    turns: dict[Any, Any] = {}

    def said(value: object) -> str:
        if isinstance(value, Node):
            if value not in numbers:
                numbers[value] = len(queue)
                queue.append(value)
            return f"#{numbers[value]}"
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, tuple | list):
            return f"({','.join(map(said, value))})"
        if isinstance(value, frozenset):
            return f"set{sorted(map(said, value))}"
        if isinstance(value, Mapping):
            return f"{{{','.join(f'{name!r}:{said(part)}' for name, part in value.items())}}}"
        if isinstance(value, Concrete):
            return f"{type(value).__name__}{said(value.__args__)}"
        raise _UnknownError

    for node in queue:
        args = node.__args__
        if isinstance(node, ops.DatabaseTable):
            name = node.name
            if name.startswith(MADE):
                names += [] if name in names else [name]
                name = names.index(name)
            args = (name, node.schema, node.namespace)  # the engine is in the key, the session is not
        elif isinstance(node, ops.Reference):
            args = (node.parent, turns.setdefault((type(node), node.identifier), len(turns)))
        elif isinstance(node, ops.ScalarUDF):
            args = (node.__func_name__, node.__udf_namespace__, node.dtype, *args)
        lines.append(f"{type(node).__name__}{said(args)}")
    return "\n".join(lines), names


@contextmanager
def kept_in(path: Path) -> Iterator[None]:
    """Take the statements that a file keeps, and keep there those that were asked for; at most ``MOST`` in all.

    The file is thrown away where Ibis, sqlglot or DuckDB has another version.
    """
    versions = [ibis.__version__, sqlglot.__version__, duckdb.__version__]
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        read = {}
    before: dict[str, str] = {}
    if isinstance(read, dict) and read.get("versions") == versions:
        _kept().update(read["statements"])
        before = read["statements"]
    _used().clear()
    try:
        yield
    finally:
        keys = [*sorted(before.keys() - _used()), *sorted(_used())][-MOST:]
        statements = {key: _kept()[key] for key in keys}
        path.write_text(json.dumps({"versions": versions, "statements": statements}), encoding="utf-8")
        path.chmod(0o600)  # whatever the umask, like all of a run's folder
