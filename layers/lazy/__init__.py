"""Files larger than memory, with Dask: partitions of bounded size, each with its ledger, and rasters by windows.

Nothing is read when a stream is made but what says where its partitions begin. Each partition becomes a small `Layer`,
checked and accounted for like a whole file; a function of yours makes of it what is kept. `Stream.compute` adds up the
accounts and refuses to return if a single record of the file is not in them. Partitions are read in Dask's workers,
not in the child processes of `layers.read`: stream files that you trust, or let the workers be processes.
"""

from layers.lazy.accounts import Account
from layers.lazy.osm import read_osm
from layers.lazy.rasters import open_raster
from layers.lazy.streams import Part, Stream
from layers.lazy.tables import read_csv, read_parquet

__all__ = ["Account", "Part", "Stream", "open_raster", "read_csv", "read_osm", "read_parquet"]
