"""Tables as classes, by subject; imported by module name."""
