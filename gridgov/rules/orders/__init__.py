"""The life of an order: states, who may take which step, what a step needs, disputes, numbers.

In come what is known of one order, who acts and the facts given; out go the order after the step and what must
follow.
The table of transitions (``transitions``) is the rule; nothing decides beside it. Imported by module name.
"""
