"""Tables that sort and search, for an analyst in JupyterLab."""

from __future__ import annotations


def interactive() -> None:
    """Show every frame of this notebook as a table that sorts and searches; works offline.

    For exploring only: such a table holds all its rows, so clear the outputs before the notebook is kept or sent.
    """
    import itables

    itables.init_notebook_mode(all_interactive=True, connected=False)
