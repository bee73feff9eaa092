"""Signing in and out, the second factor, the city's identity provider, and the account's own page."""
