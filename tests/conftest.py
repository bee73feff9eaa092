"""What all tests share: properties are tried on the same examples every time.

A run that must be green before it lands may not depend on luck; ``--hypothesis-profile=explore`` looks further.
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("explore", print_blob=True)
settings.load_profile("same")
