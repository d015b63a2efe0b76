"""What is seen: the map, the layer panel, the clock, the inspector. Views show state and write it; they compute nothing."""
