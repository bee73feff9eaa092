"""An appeal comes in: checked, placed, dispatched, written with its order, once whatever is sent twice; pins that
move."""
