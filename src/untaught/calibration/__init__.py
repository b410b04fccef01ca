"""How far the picture may be off."""
