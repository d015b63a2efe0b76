"""The city in a notebook: the page of a twin, or of any GeoDataFrame, in a frame below the cell."""
