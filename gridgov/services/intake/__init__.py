"""An appeal comes in: checked, placed, dispatched and written with its order, once whatever is sent twice.

Also pins that people move afterwards, and what their places say of the same address later.
"""
