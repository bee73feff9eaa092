"""The way in: leads each role to its first page, and answers when the service is asked whether it lives."""
