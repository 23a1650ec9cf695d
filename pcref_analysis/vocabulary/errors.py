"""The one error that people see: what is wrong, where, how often, and what to do."""


class PcrefError(Exception):
    """Something the analyst can mend: a file, a column, a code, a parameter.

    The message is written for a person, a few lines at most, and never holds a value from a
    patient's row (identifiers leak through error messages into notebooks). The ``pcref`` command
    prints it and ends with status 2; published reports are left as they were.
    """
