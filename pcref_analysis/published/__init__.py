"""National statistics for any Trust and any board: the Mental Health Act, Talking Therapies, monthly statistics.

Everywhere ``folder`` is the folder of published figures, ``period`` a financial year, ``board`` the code of an
integrated care board and ``trust`` the ODS code of a Trust.
"""
