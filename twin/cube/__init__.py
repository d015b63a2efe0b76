"""The cube: how it is laid out, what stands behind each value, and how a part of it is asked for."""
