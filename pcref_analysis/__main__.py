"""``python -m pcref_analysis`` is the ``pcref`` command."""

from pcref_analysis.cli import main

main()
