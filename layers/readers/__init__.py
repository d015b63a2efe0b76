"""One module per format family; each turns a file into `Records` or `Pixels` and decides nothing else."""
