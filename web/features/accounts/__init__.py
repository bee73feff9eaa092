"""Accounts as their administrator sees them; the record of who signed in, saw a person or took a file away."""
