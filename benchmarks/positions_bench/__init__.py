"""A benchmark of naming an undeclared position definition; see README.md."""
