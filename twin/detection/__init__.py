"""What positions mean: of a dataset, of a single file, and of a file that is not taken in yet."""
