"""Trained classifiers whose features a picture is made to match, one family a file; their weights are the user's.

`load("alexnet")` finds the definition by name and the weights in a file or folder that was named, in the folder that the
environment variable UNTAUGHT_WEIGHTS names, or in an installed package. Nothing is ever downloaded.

A file `classifiers/name.py` holds `CLASSIFIER`, a frozen `Classifier`; nothing is imported here before it is asked for.
"""

from __future__ import annotations

from untaught.problem.classifiers._base import Classifier, Loaded, of_module
from untaught.problem.classifiers._find import available, find, load

__all__ = ["Classifier", "Loaded", "available", "find", "load", "of_module"]
