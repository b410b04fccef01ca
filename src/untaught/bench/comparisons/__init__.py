"""What each task is compared on: its inputs, its classics, its score. One task a file, found by being there."""
