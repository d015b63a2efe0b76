"""What is seen: the map, the layer panel, the clock, the inspector; they show state, write it and compute nothing."""
