"""Messages: written with the change that causes them, delivered in the application, by e-mail and by signed
webhook."""
