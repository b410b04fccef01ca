"""Many pictures, and pictures larger than the memory: what is done in parts, by several processes, and goes on where it stopped."""
