"""What people add while they work: in come files and names; out go those of an order, call or task."""
