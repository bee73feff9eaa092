"""The inbox: in come messages in the app; out go what waits for visitor and unit, the bell, the choices of ways."""
