"""Tables that live on a server: PostgreSQL, SQL Server, Spark. Rows stay there; secrets never reach a message.

The address of a server comes from an environment variable or, without its password, from the parameters; a password
that is not part of the variable is looked up in the variable ``PCREF_PASSWORD`` and then in the system's keyring
(service ``pcref-analysis``), where the package ``keyring`` is installed.
"""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import ibis
from ibis.common.exceptions import IbisError

from pcref_analysis.extract.sources import engines
from pcref_analysis.vocabulary.errors import PcrefError, SourceError

KEYRING_SERVICE = "pcref-analysis"
PASSWORD = "PCREF_PASSWORD"
WAIT = "PCREF_SPARK_WAIT"  # seconds
SHUFFLE = "spark.sql.shuffle.partitions"
SCHEMES = {"postgres": ("postgresql", "postgres"), "sqlserver": ("mssql", "sqlserver")}
SECRET_WORDS = re.compile(
    r"(pass(word|wd|phrase|code)?|pwd|pw|secret|token|credentials?|sig(nature)?|[a-z_]*key|passfile|authorization)[\"']?\s*[=:]"
    r"|bearer\s|^eyJ[\w-]+\.|//[^/@\s]*:[^/@\s]*@|^[^/@\s:]+:[^/@\s\\]+@|(^|\s)-P\s*\S",
    re.IGNORECASE,
)
FORMS = {
    "postgres": "postgresql://user@server:5432/database",
    "sqlserver": "mssql://server:1433/database (with Windows sign-in) or mssql://user@server:1433/database",
}


def refuse_secrets(location: str) -> None:
    """Stop where a location holds a password: parameters are read by many and end in reports.

    Raises
    ------
    PcrefError
        Without showing the location.
    """
    text = location
    while (plain := unquote(text)) != text:  # %70assword=, and what is quoted twice
        text = plain
    try:
        secret = any(urlsplit(form).password is not None for form in (location, text))
    except ValueError:
        secret = True
    if secret or SECRET_WORDS.search(text):
        raise PcrefError(
            "parameters: source.location holds a password (not shown here). Take it out, change that password, and "
            "put the address into an environment variable whose name stands in source.location."
        )


def address(kind: str, location: str) -> dict[str, str]:
    """Return ``host, port, user, password, database`` and options of a server.

    Parameters
    ----------
    kind
        "postgres" or "sqlserver".
    location
        The name of an environment variable that holds the address, or an address without a password.

    Raises
    ------
    PcrefError
        If the variable is not set, the address has another form, or a password stands in the location.
    """
    refuse_secrets(location)
    text = location
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", location):
        text = os.environ.get(location, "")
        if not text:
            raise PcrefError(
                f"source: the environment variable {location} is not set. It must hold the address of the server, "
                f"such as {FORMS[kind]}."
            )
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        parts, port, host = None, None, None
    if parts is None or parts.scheme.split("+")[0] not in SCHEMES[kind] or not parts.path.strip("/"):
        raise PcrefError(f"source: the address of the server (not shown here) must look like {FORMS[kind]}.")
    found: dict[str, Any] = dict(parse_qsl(parts.query)) | {"database": unquote(parts.path.strip("/"))}
    found |= {"host": host} if host else {}
    found |= {"port": port} if port else {}
    found |= {"user": unquote(parts.username)} if parts.username else {}
    password = unquote(parts.password) if parts.password else _password(found)
    return found | ({"password": password} if password else {})


def _password(server: dict[str, str]) -> str:
    """Look up the password of a user; empty where there is none to look up (Windows sign-in, a trusted socket)."""
    if "user" not in server:
        return ""
    if secret := os.environ.get(PASSWORD, ""):
        return secret
    if not find_spec("keyring"):
        return ""
    name = f"{server['user']}@{server.get('host', '')}/{server['database']}"
    try:
        return import_module("keyring").get_password(KEYRING_SERVICE, name) or ""
    except (import_module("keyring.errors").KeyringError, RuntimeError, OSError):  # no store here, or it stays locked
        return ""


def connect(kind: str, location: str) -> ibis.BaseBackend:
    """Connect to a server, or to the Spark session of this machine.

    Raises
    ------
    PcrefError
        If the driver is not installed or the server refuses. The message names the kind of failure and nothing
        of the address.
    """
    if kind == "spark":
        return _spark(location)
    server = address(kind, location)
    needs, extra, name = {
        "postgres": ("psycopg", "postgres", "PostgreSQL"),
        "sqlserver": ("pyodbc", "sqlserver", "SQL Server"),
    }[kind]
    if not find_spec(needs):
        raise PcrefError(f"source: {name} needs the package {needs}. Install it: pip install pcref-analysis[{extra}]")
    try:
        if kind == "postgres":
            return ibis.postgres.connect(**server)
        return ibis.mssql.connect(**({"driver": "ODBC Driver 18 for SQL Server"} | server))
    except (*engines.failures(), IbisError, OSError, TypeError, ValueError) as error:  # or options no driver knows
        raise SourceError(
            f"source: {name} cannot be reached ({type(error).__name__}). Check the address and password in the "
            f"environment (not shown here), the network, and that the account may connect.{_none_found(server)}"
        ) from None


def _none_found(server: dict[str, str]) -> str:
    """Say where a password was looked for in vain, if one was looked for."""
    if "user" not in server or "password" in server:
        return ""
    if find_spec("keyring"):
        return f" No password was found, neither in {PASSWORD} nor in the system's keyring."
    return f" No password was found in {PASSWORD}; for the system's keyring: pip install pcref-analysis[keyring]"


def _spark(location: str) -> ibis.BaseBackend:
    """Return the Spark session of this program, in a database of the catalogue or over a folder of Parquet."""
    if not find_spec("pyspark"):
        raise PcrefError("source: Spark needs the package pyspark. Install it: pip install pcref-analysis[spark]")
    remote = "SPARK_REMOTE" in os.environ  # a session of another machine, which has its own Java
    if not (remote or os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise PcrefError("source: Spark needs Java, version 17 or later. Install it, or set JAVA_HOME to where it is.")
    quiet = {"spark.ui.showConsoleProgress": "false"}  # its bars are drawn over our lines
    try:
        session = import_module("pyspark.sql").SparkSession.builder.appName("pcref-analysis").config(map=quiet)
        session = session.getOrCreate()
        _answers(session, remote)
        if not remote and session.sparkContext.getConf().get(SHUFFLE) is None:  # 200 small tasks a step by default
            session.conf.set(SHUFFLE, str(2 * session.sparkContext.defaultParallelism))
        if "/" in location:
            for name, path in _parquet(session, location).items():
                session.read.parquet(path).createOrReplaceTempView(name)
        elif location:
            catalog, _, schema = location.rpartition(".")
            if catalog:
                session.catalog.setCurrentCatalog(catalog)
            session.catalog.setCurrentDatabase(schema)
        return ibis.pyspark.connect(session)
    except (*engines.failures(), OSError, ImportError) as error:  # type: ignore[misc]
        raise SourceError(
            f"source: Spark cannot be started, or has no such database or folder ({type(error).__name__}). Check that "
            "its master (spark.master) runs and can be reached, and that source.location names a database of its "
            "catalogue, or a folder of Parquet that all workers see (docs/sources.md)."
        ) from None


def _answers(session: Any, remote: bool) -> None:
    """Let Spark count to one, and stop where nobody does it: without a worker it would wait for ever, in silence."""
    wait = int(os.environ.get(WAIT, "60"))
    with ThreadPoolExecutor(1) as one:
        asked = one.submit(session.range(1).count)
        try:
            asked.result(timeout=wait)
        except TimeoutError:
            session.interruptAll() if remote else session.sparkContext.cancelAllJobs()
            raise PcrefError(
                f"source: Spark's master gave this run no worker within {wait} seconds. Start workers with enough free "
                f"memory and cores, or wait longer for a busy cluster: the variable {WAIT} holds the seconds."
            ) from None


def _parquet(session: Any, folder: str) -> dict[str, str]:
    """Return the tables of a folder that workers see: ``Name.parquet`` (a file, or a folder of parts) or ``Name/``."""
    files = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(folder).select("path")
    root = folder.rstrip("/").rpartition("/")[2] + "/"
    within = sorted(row.path.split(root, 1)[1].split("/")[0] for row in files.collect())
    return {name.removesuffix(".parquet"): f"{folder.rstrip('/')}/{name}" for name in within if name[:1] not in "._"}


def names(connection: ibis.BaseBackend, kind: str) -> list[str]:
    """Return the tables and views of a server as ``schema.table``, where it has schemas."""
    if kind == "spark":
        return connection.list_tables()
    hidden = "('pg_catalog', 'information_schema', 'sys')"
    query = (
        "SELECT table_schema AS schema_name, table_name AS table_name FROM information_schema.tables "
        f"WHERE table_schema NOT IN {hidden}"
    )
    schema = {"schema_name": "string", "table_name": "string"}
    rows = connection.sql(query, schema=schema).to_pyarrow().to_pylist()
    return sorted(f"{row['schema_name']}.{row['table_name']}" for row in rows)


def table(connection: ibis.BaseBackend, local: str) -> ibis.Table:
    """Return a table by its ``schema.table`` name."""
    schema, _, name = local.rpartition(".")
    return connection.table(name, database=schema) if schema else connection.table(name)
