"""The steps of a build: place a dataset, take it to the cells, in partitions where it is large."""
