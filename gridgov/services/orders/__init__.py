"""Steps in orders: handling, callbacks, exclusions, disputes' evidence, issues, rating, and the watch of the
clocks."""
