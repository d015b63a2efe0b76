"""Definitions corrected later: written down, applied to the records they are for, built without starting over."""
