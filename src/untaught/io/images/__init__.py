"""Files <-> arrays, with nothing lost on the way and nothing converted without a word.

`read` gives an `Image`: the samples in the file's own encoding (no linearisation) and depth, upright, and all that
travels with them. `write` puts samples back beside what came with `like`. A refusal is one sentence: fact, values,
remedy.
"""

from untaught.io.images.picture import Image
from untaught.io.images.read import read, read_recipe
from untaught.io.images.write import check_output, default_output, write

__all__ = ["Image", "check_output", "default_output", "read", "read_recipe", "write"]
