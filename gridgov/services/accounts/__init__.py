"""Accounts of people: made, changed and ended by administrators, and signed in to.

Sign-in is by password and second factor, or by the city's own provider.
"""
