"""Compiled inner loops of the joins: pure functions on arrays, without Python objects and without the GIL.

Every kernel has a slow, obvious counterpart in ``tests/reference`` that the tests compare it with.
"""
