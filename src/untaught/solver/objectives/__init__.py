"""How the data judge f in one step: one objective a file."""
