"""argmin: the objective, how far a step goes, when to stop, the loop."""
