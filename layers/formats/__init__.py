"""The formats, a module a family; `layers.registry` lists them all."""
