"""A blur's kernel, from the picture alone."""
