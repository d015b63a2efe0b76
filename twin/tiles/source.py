"""All tiles of one twin, by name: made on the first request or baked, and kept beside the snapshot."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import TileNotFoundError, TwinError
from twin.tiles.baked import BakedTiles
from twin.tiles.breaks import Breaks, congestion_breaks, even_breaks, is_congestion
from twin.tiles.budget import CHUNK, Budget
from twin.tiles.doubt import Basis, beside, doubt_on_cells, doubt_on_features
from twin.tiles.mercator import DEEPEST
from twin.tiles.readings import Kept, Readings
from twin.tiles.sets import CellTiles, FeatureTiles
from twin.tiles.shelf import Shelf, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin import Twin

FORMAT = 5
"""Raised whenever a tile of the same twin would have other bytes."""

TILED = ("lines", "points", "buildings")

_ADDRESS = re.compile(
    r"(layers|cells)(~sigma)?/([^/]{1,200})/(\d{1,2})/(\d{1,8})/(\d{1,8})(?:\.(mvt|glb)|/(\d{1,6})\.bin)"
)


@dataclass(frozen=True, kw_only=True)
class Baked:
    """What was baked.

    Parameters
    ----------
    tiles : int
        Tiles and runs of values.
    made : int
        How many of them were not there before.
    size, largest : int
        Bytes of all files together, each counted once, and of the largest.
    """

    tiles: int
    made: int
    size: int
    largest: int


class TileSource:
    """Tiles of one twin.

    Parameters
    ----------
    city : Twin
        The opened twin.
    budget : Budget, optional
        What one view may hold.
    folder : Path, optional
        Where tiles are kept between runs; only in memory if left out.
    """

    def __init__(self, city: "Twin", *, budget: Budget | None = None, folder: Path | None = None) -> None:
        self.city = city
        self.budget = budget or Budget()
        self.readings = Readings(city)
        said = f"{FORMAT} {self.budget} {CHUNK}"
        self.version = hashlib.sha256(said.encode()).hexdigest()[:8]
        self.baked = BakedTiles(folder, city.snapshot, self.version) if folder else None
        self.shelf = Shelf(folder / city.snapshot / self.version if folder else None, baked=self.baked)
        self._sets = Kept(256)
        self._breaks = Kept(256)

    def layer(self, name: str) -> FeatureTiles:
        """Give the tiles of a layer.

        Parameters
        ----------
        name : str
            A layer of buildings, lines or points.

        Returns
        -------
        FeatureTiles
            Its tiles.

        Raises
        ------
        TileNotFoundError
            If no such layer is drawn.
        """
        info = self.city.layers.get(name)
        kind = self.readings.kind_of(info) if info and info.features else None
        if kind not in TILED:
            raise TileNotFoundError(
                f"no layer {name[:60]!r} of buildings, lines or points: the city has {self._layers()}"
            )
        return self._sets.get(
            ("layer", name), lambda: FeatureTiles(self.readings, name, kind=str(kind), budget=self.budget)
        )

    def cells(self, variable: str) -> CellTiles:
        """Give the tiles of a variable on cells.

        Parameters
        ----------
        variable : str
            Name in the cube.

        Returns
        -------
        CellTiles
            Its tiles.

        Raises
        ------
        TileNotFoundError
            If cells cannot show it.
        """
        known = self.readings.cell_variables
        if variable not in known:
            raise TileNotFoundError(f"no variable {variable[:60]!r} on cells; there are {', '.join(known)}")
        return self._sets.get(("cells", variable), lambda: CellTiles(self.readings, variable, budget=self.budget))

    def breaks(self, variable: str, resolution: int | None = None, *, layer: str | None = None) -> Breaks:
        """Give how values of a variable become codes, the same at all hours.

        Parameters
        ----------
        variable : str
            Name in the cube.
        resolution : int, optional
            Resolution shown. Only an extensive quantity (people a cell) has other codes on other cells.
        layer : str, optional
            Layer whose features show it. What is extensive has codes of its own there: people a house are not people
            a cell.

        Returns
        -------
        Breaks
            Congestion classes for a ratio of speeds, else even steps over the values of the whole city.
        """
        known = self.city.variables[variable]
        if is_congestion(known):
            return congestion_breaks()
        if layer is not None and known.kind == "extensive":
            return self._breaks.get((variable, layer), lambda: even_breaks(self.readings.on_features(layer, variable)))
        if resolution is None or known.kind != "extensive":
            tiles = self.cells(variable)
            resolution = tiles.resolution(tiles.zooms[0])
        level = resolution
        return self._breaks.get((variable, level), lambda: even_breaks(self.readings.values(variable, level).values))

    def answer(self, address: str) -> bytes:
        """Give what an address names.

        Parameters
        ----------
        address : str
            ``layers/NAME/z/x/y.mvt`` or ``cells/VARIABLE/z/x/y.mvt``; with ``/CHUNK.bin`` for ``.mvt`` the codes of
            the values there, with ``.glb`` the surfaces of its buildings. ``layers~sigma`` and ``cells~sigma`` have the
            same shapes, and the class of the uncertainty beside each code.

        Returns
        -------
        bytes
            Packed with gzip.

        Raises
        ------
        TileNotFoundError
            If the address names nothing in this twin.
        """
        held = self.shelf.held(address)
        if held is not None:
            return held
        return self.shelf.get(*self._read(address))

    def _read(self, address: str) -> tuple[str, Callable[[], bytes]]:
        """Read an address: the one way to write it, and what makes the tile."""
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise TileNotFoundError(
                f"no tile {address[:80]!r}: write layers/NAME/z/x/y.mvt or cells/VARIABLE/z/x/y.mvt,"
                " or /CHUNK.bin or .glb for .mvt"
            )
        family, sigma, name, *numbers, ending, chunk = match.groups()
        z, x, y = (int(number) for number in numbers)
        tiles = self.layer(name) if family == "layers" else self.cells(name)
        least, full = tiles.zooms
        if not least <= z <= full or max(x, y) >= 2**z or z > DEEPEST:
            raise TileNotFoundError(f"{family}/{name} has tiles of zoom {least} to {full}, and none at {z}/{x}/{y}")
        canonical = f"{family}/{name}/{z}/{x}/{y}"
        if ending == "glb":
            roofs = tiles.roofs_at(z)
            return f"{canonical}.glb", lambda: roofs.tile((z, x, y), tiles.rows(z, x, y))
        if chunk is None:
            return f"{canonical}.mvt", lambda: tiles.tile(z, x, y)
        if sigma is not None:
            place = f"{family}{sigma}/{name}/{z}/{x}/{y}/{int(chunk)}.bin"
            return place, lambda: self._doubtful_codes(tiles, int(chunk), (z, x, y))
        if int(chunk) >= self.chunks(tiles):
            raise TileNotFoundError(f"{family}/{name} has values of {self.chunks(tiles)} runs of {CHUNK} steps")
        return f"{canonical}/{int(chunk)}.bin", lambda: self._codes(tiles, int(chunk), (z, x, y))

    def chunks(self, tiles: FeatureTiles | CellTiles) -> int:
        """Count the runs of steps that the values of some tiles come in.

        Parameters
        ----------
        tiles : FeatureTiles or CellTiles
            The tiles.

        Returns
        -------
        int
            0 without values.
        """
        variable = tiles.variable
        return -(-self.readings.steps(variable) // CHUNK) if variable else 0

    def doubt(self, tiles: FeatureTiles | CellTiles, z: int) -> "tuple[Basis, NDArray[np.uint8]] | None":
        """Give how uncertain what some tiles show is.

        Parameters
        ----------
        tiles : FeatureTiles or CellTiles
            The tiles.
        z : int
            Zoom.

        Returns
        -------
        basis : str
            What the uncertainty is held against, as in `twin.tiles.doubt`. None altogether if nobody states any.
        classes : ndarray of uint8
            Shape (things, steps) or (things, 1): 0 for the surest.
        """
        level = tiles.resolution(z) if isinstance(tiles, CellTiles) else None

        def made() -> "tuple[Basis, NDArray[np.uint8]] | None":
            if level is not None:
                return doubt_on_cells(self.readings, tiles.name, level)
            classes = doubt_on_features(self.readings, tiles.name)
            return None if classes is None else ("metres", classes[:, None])

        return self._breaks.get(("doubt", tiles.name, level), made)

    def describe(self, address: str) -> bytes:
        """Say what the tiles of a layer or variable are, in the words of TileJSON.

        Parameters
        ----------
        address : str
            ``layers/NAME`` or ``cells/VARIABLE``; ``layers/NAME/tileset`` for what shows 3D Tiles.

        Returns
        -------
        bytes
            JSON: zooms, bounds, attribution; ``resolutions`` by zoom, and ``breaks`` by zoom that codes stand between.

        Raises
        ------
        TileNotFoundError
            If the address names nothing in this twin.

        References
        ----------
        TileJSON 3.0.0, https://github.com/mapbox/tilejson-spec/tree/master/3.0.0
        """
        family, name, tileset = (*address.split("/", 2), "", "")[:3]
        if family not in {"layers", "cells"} or tileset not in {"", "tileset"}:
            raise TileNotFoundError(f"no tiles {address[:80]!r}: write layers/NAME or cells/VARIABLE")
        tiles = self.layer(name) if family == "layers" else self.cells(name)
        least, full = tiles.zooms
        if tileset:
            roofs = tiles.roofs_at(full)
            return json.dumps(roofs.tileset(tiles.occupied(roofs.zooms[1]), tiles.standing)).encode()
        info = self.city.layers[name] if isinstance(tiles, FeatureTiles) else self.city.variables[name]
        told: dict[str, Any] = {
            "tilejson": "3.0.0",
            "tiles": [f"{name}/{{z}}/{{x}}/{{y}}.mvt"],
            "minzoom": least,
            "maxzoom": full,
            "bounds": list(self.city.area),
            "attribution": info.attribution or info.owner,
            "vector_layers": [{"id": name, "fields": tiles.fields}],
            "chunks": self.chunks(tiles),
        }
        if tiles.roofs:
            told["roofs"] = {"tiles": [f"{name}/{{z}}/{{x}}/{{y}}.glb"], "minzoom": tiles.roofs.zooms[0]}
        if isinstance(tiles, CellTiles):
            told["resolutions"] = {z: tiles.resolution(z) for z in range(least, full + 1)}
        if tiles.variable:
            told["breaks"] = {z: self._breaks_at(tiles, z).edges for z in range(least, full + 1)}
        return json.dumps(told, ensure_ascii=False).encode()

    def bake(self, *, most_bytes: int | None = None) -> Baked:
        """Make tiles now, so that nobody who opens the city waits for one.

        Parameters
        ----------
        most_bytes : int, optional
            How much they may take on the disk, the farthest zooms first; all tiles if left out.

        Returns
        -------
        Baked
            What there is now; what was baked before and is whole is not made again.

        Raises
        ------
        TwinError
            If there is no folder to keep them in.
        OSError
            If it cannot be written to.
        """
        if self.baked is None:
            raise TwinError("tiles are baked into a folder: give TileSource one")
        digests: dict[str, str] = {}
        sizes: dict[str, int] = {}
        made = size = 0
        for address in self.addresses():
            packed = self.baked.get(address)
            if packed is None:
                packed = pack(self._read(address)[1]())
                made += 1
            if most_bytes is not None and size + len(packed) > most_bytes:
                break
            digests[address] = digest = self.baked.put(packed)
            size += 0 if digest in sizes else len(packed)
            sizes[digest] = len(packed)
        self.baked.list(digests)
        return Baked(tiles=len(digests), made=made, size=size, largest=max(sizes.values(), default=0))

    def addresses(self) -> Iterator[str]:
        """List the addresses of all tiles that hold anything, the farthest zoom first: its tiles cost most.

        Yields
        ------
        str
            Address.
        """
        layers: list[tuple[str, str, FeatureTiles | CellTiles]]
        layers = [("layers", name, self.layer(name)) for name in self.tiled]
        cells = [("cells", name, self.cells(name)) for name in self.readings.cell_variables]
        for z in range(DEEPEST + 1):
            for family, name, tiles in [*layers, *cells]:
                if not tiles.zooms[0] <= z <= tiles.zooms[1]:
                    continue
                columns, rows = tiles.occupied(z)
                for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
                    yield f"{family}/{name}/{z}/{x}/{y}.mvt"
                    if tiles.roofs and z >= tiles.roofs.zooms[0]:
                        yield f"{family}/{name}/{z}/{x}/{y}.glb"
                    yield from (f"{family}/{name}/{z}/{x}/{y}/{chunk}.bin" for chunk in range(self.chunks(tiles)))

    @property
    def tiled(self) -> tuple[str, ...]:
        """Names of the layers that have tiles."""
        infos = self.city.layers.values()
        return tuple(info.name for info in infos if info.features and self.readings.kind_of(info) in TILED)

    def _layers(self) -> str:
        return ", ".join(self.tiled) or "none"

    def _breaks_at(self, tiles: FeatureTiles | CellTiles, z: int) -> Breaks:
        if isinstance(tiles, CellTiles):
            return self.breaks(str(tiles.variable), tiles.resolution(z))
        return self.breaks(str(tiles.variable), layer=tiles.name)

    def _doubtful_codes(self, tiles: FeatureTiles | CellTiles, chunk: int, tile: tuple[int, int, int]) -> bytes:
        """Write codes of values with the classes of their uncertainty beside them; of what has no value the latter."""
        found, rows = self.doubt(tiles, tile[0]), tiles.rows(*tile)
        if found is None or chunk >= max(self.chunks(tiles), 1):
            raise TileNotFoundError(f"{tiles.name} states no uncertainty, or none in run {chunk} of {CHUNK} steps")
        codes = np.ones((1, len(rows)), dtype=np.uint8)
        if self.chunks(tiles):
            codes = np.frombuffer(self._codes(tiles, chunk, tile), dtype=np.uint8).reshape(-1, len(rows) or 1)
        classes = found[1][rows].T
        classes = classes[chunk * CHUNK : chunk * CHUNK + len(codes)] if len(classes) > 1 else classes
        return beside(codes, classes).tobytes() if len(rows) else b""

    def _codes(self, tiles: FeatureTiles | CellTiles, chunk: int, tile: tuple[int, int, int]) -> bytes:
        return tiles.codes(self._breaks_at(tiles, tile[0]), chunk, *tile)
