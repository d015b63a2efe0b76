"""How a build goes: what it will cost, how far it is, and who is told."""
