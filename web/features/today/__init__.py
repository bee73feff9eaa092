"""Today in the command centre: in come counts, clocks, calls and surges; out go the page and its wall mode."""
