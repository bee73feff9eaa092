"""The demo's accounts and its last day at work, played through the services; nothing a city in service uses."""
