"""What a result is compared with: methods that others made, one idea a file. Which task takes which: `bench/comparisons`."""
