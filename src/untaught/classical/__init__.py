"""What needs no network: filters, fillings, the search for a kernel."""
