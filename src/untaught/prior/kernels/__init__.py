"""Convolutions that are quicker than the library where they can be."""
