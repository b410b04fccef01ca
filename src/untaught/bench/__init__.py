"""What looks at many runs, or beside one: demonstrations, benchmarks, figures."""
