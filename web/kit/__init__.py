"""What every page uses: who is there and what they may, the frame of a page, scope and window, limits, errors.

Comes in: a request. Goes out: the visitor, a session limited to what that visitor sees, and helpers of templates. Each
module is one concern and is imported by its name (``from web.kit import limits``): a view takes a few words of several,
so a face of seven names would only hide where they live. Nothing here knows a feature.
"""
