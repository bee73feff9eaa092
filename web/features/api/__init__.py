"""REST API v1: appeals, orders, places, whistle calls, plans and figures for other systems (docs/api.md)."""
