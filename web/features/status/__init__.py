"""For callers without an account: in come a number and a secret; out go steps, who answers, by when, the receipt."""
