"""Steps in orders: handling, callbacks, exclusions, evidence of disputes, issues, rating, the watch of the clocks."""
