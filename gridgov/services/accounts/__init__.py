"""Accounts: made, changed and ended by administrators; sign-in with password, second factor or the city's
provider."""
