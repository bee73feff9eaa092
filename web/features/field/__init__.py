"""Work outside: in come a unit's orders, calls and tasks; out go a list and a map for the phone, and an app."""
