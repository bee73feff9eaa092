"""A city and its history into the database: the pack's tables and boundaries, orders in batches that can be cut
off."""
