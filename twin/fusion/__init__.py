"""The fusion error: where the engine and a naive reader put records, against where they truly are."""
