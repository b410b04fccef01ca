"""Files and arrays: what comes in and goes out, unharmed."""
