"""What everything stands on: errors, the vocabulary of signatures, the registry, geometry, randomness."""
