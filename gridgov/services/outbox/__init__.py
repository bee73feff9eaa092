"""Messages, written with the change that causes them.

Delivered in the application, by e-mail and by signed webhook.
"""
