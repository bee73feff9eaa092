"""What works (成效): effects of tasks that are done, pooled by measure, and the library with what was measured."""
