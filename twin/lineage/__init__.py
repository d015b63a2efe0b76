"""Where numbers and places come from, and the same number made once more."""
