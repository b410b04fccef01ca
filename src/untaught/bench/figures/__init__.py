"""The figures and tables of the Deep Image Prior paper: one idea a file, `FIGURES` in each."""
