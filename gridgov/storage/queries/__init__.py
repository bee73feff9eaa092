"""Questions of pages and services, one module a subject; imported by module name."""
