"""The store: one SQLite file, one writer thread, one reader thread. Rows become domain values here and nowhere else.

`database` runs functions; the other modules are plain functions over the explicit database handle that it gives them,
so that a caller composes several in one transaction.
"""
