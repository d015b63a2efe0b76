"""The twin on the disk: snapshots read with their hashes, locks, history, and keeping house."""
