"""SpatialBench's joins beside SedonaDB, DuckDB and GeoPandas; see __main__.py."""
