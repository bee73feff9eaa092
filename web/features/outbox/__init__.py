"""Messages that were given up: in comes the outbox, out go its page and what the administrator does with one."""
