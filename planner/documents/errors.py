"""What can be wrong with an office's own template or fonts."""

from planner.errors import PlannerError


class TemplateError(PlannerError):
    """A document template cannot be used: what was found, what was expected."""


class FontError(PlannerError):
    """No font of this machine can write the document."""
