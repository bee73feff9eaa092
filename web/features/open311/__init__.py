"""Open311 GeoReport v2: services of the catalogue, requests of people, and who answers at a point (docs/api.md)."""
