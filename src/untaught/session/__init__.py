"""One life of a job: explained, run, kept, written."""
