"""Building models in IFC 2x3, 4 and 4.3 through ifcopenshell: one record a product, or a building."""

from __future__ import annotations

import importlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs import CrsError
from crs.engineering import Georeference, GeoreferenceError, georeference_report, require_usable
from crs.units import conversion_factor
from layers.errors import FileUnreadableError, ProgramMissingError, SchemaError
from layers.readers.city_objects import Gathered, city_records, free_name, triangle_mesh
from layers.readers.ifc_place import project_unit, read_georeference

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["read_ifc"]

logger = logging.getLogger(__name__)

_SCHEMAS = ("IFC2X3", "IFC4", "IFC4X3")
#: Products that are no bodies: what is cut out of walls, what is drawn, and axes.
_NO_BODIES = ("IfcOpeningElement", "IfcOpeningStandardCase", "IfcVoidingFeature", "IfcAnnotation", "IfcGrid")
_WHOLE = "IfcBuilding"

Body = tuple[np.ndarray, np.ndarray]


def _library() -> tuple[Any, Any, Any]:
    """Import ifcopenshell, which is large and needed for nothing else."""
    try:
        names = ("ifcopenshell", "ifcopenshell.geom", "ifcopenshell.util.element")
        plain, shapes, element = map(importlib.import_module, names)
    except ImportError as error:
        raise ProgramMissingError(
            "IFC is read through ifcopenshell, which is not installed; install city-twin[ifc], or pip install "
            "ifcopenshell."
        ) from error
    return plain, shapes, element


def _open(source: Source, library: Any) -> Any:  # noqa: ANN401 - a library without types
    tail = source.path.read_bytes()[-4096:].rstrip()
    if not tail.endswith(b"END-ISO-10303-21;"):
        raise FileUnreadableError(f"{source.label}: does not end as a STEP file does; it is cut off: fetch it again.")
    try:
        model = library.open(str(source.path))
    except Exception as error:  # the library raises what its parser meets, of many kinds
        raise FileUnreadableError(f"{source.label}: is no IFC that can be read ({error}); export it anew.") from error
    if model is None or str(model.schema) not in _SCHEMAS:
        found = "none" if model is None else model.schema
        raise FileUnreadableError(f"{source.label}: schema {found}; {', '.join(_SCHEMAS)} are read.")
    return model


def _body(product: Any, shapes: Any, settings: Any) -> Body:  # noqa: ANN401 - a library without types
    """Make the triangles of a product in metres along the project's axes."""
    shape = shapes.create_shape(settings, product)
    points = np.array(shape.geometry.verts, dtype=np.float64).reshape(-1, 3)
    return points, np.array(shape.geometry.faces, dtype=np.int64).reshape(-1, 3)


def _attributes(product: Any, element: Any) -> dict[str, Any]:  # noqa: ANN401 - a library without types
    """Read class, names, storey, building and property sets."""
    storey, building = None, None
    above = element.get_container(product) or element.get_aggregate(product)
    while above is not None:
        storey = above if storey is None and above.is_a("IfcBuildingStorey") else storey
        building = above if building is None and above.is_a(_WHOLE) else building
        above = element.get_aggregate(above)
    head: dict[str, Any] = {
        "id": product.GlobalId,
        "object_type": product.is_a(),
        "lod": "",
        "parts": len(element.get_parts(product)),
        "name": product.Name,
        "predefined_type": element.get_predefined_type(product),
        "storey": None if storey is None else storey.Name,
        "building": None if building is None else building.GlobalId,
    }
    for group, values in element.get_psets(product).items():
        for name, value in values.items():
            if name != "id" and isinstance(value, str | int | float | bool):
                head[free_name(f"{group}.{name}")] = value
    return head


def _told(product: Any, element: Any) -> tuple[dict[str, Any], str | None]:  # noqa: ANN401 - a library without types
    """Read what a product says of itself, or why it cannot be read."""
    try:
        return _attributes(product, element), None
    except (AttributeError, TypeError, RuntimeError) as error:  # the library meets what the schema does not allow
        bare = {"id": str(product.GlobalId), "object_type": product.is_a(), "lod": "", "parts": 0}
        return bare, f"unreadable_properties: {product.is_a()} {product.GlobalId}: {error}"


def _products(model: Any, options: ReadOptions, label: str) -> list[Any]:  # noqa: ANN401 - a library without types
    wanted = options.layer or "IfcProduct"
    try:
        # The library lists class by class; numbers follow the file.
        found = sorted(model.by_type(wanted), key=lambda product: int(product.id()))
    except RuntimeError as error:
        raise SchemaError(f"{label}: {model.schema} has no class {wanted!r}; write layer: IfcBuilding, ...") from error
    if wanted == _WHOLE:
        return found
    return [one for one in found if one.is_a("IfcProduct") and getattr(one, "Representation", None) is not None]


def _merge(bodies: list[Body]) -> Body:
    """Join the triangles of several products."""
    if not bodies:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    starts = np.cumsum([0, *(len(points) for points, _ in bodies[:-1])])
    faces = [triangles + start for (_, triangles), start in zip(bodies, starts, strict=True)]
    return np.concatenate([points for points, _ in bodies]), np.concatenate(faces)


def _placed(bodies: list[Body], model: Any, label: str) -> tuple[list[Body], Georeference | None, str]:  # noqa: ANN401
    """Take all points to the map where the model says where it is; returns why not, too."""
    every = [points for points, _ in bodies if len(points)]
    try:
        unit = project_unit(model, label=label)
        metres = conversion_factor(unit, "metre")
        extent = None  # of a model without a body: nothing is too small then
        if every:
            corners = np.concatenate(every)[:, :2] / metres
            (west, south), (east, north) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            extent = (west, south, east, north)
        reference = read_georeference(model, unit=unit, extent=extent)
        findings = georeference_report(reference)
        for finding in findings:
            logger.warning("%s: %s", label, finding)
        require_usable(findings, name=label)
        moved = [(np.column_stack(reference.to_frame(*(points / metres).T)), faces) for points, faces in bodies]
    except (GeoreferenceError, CrsError) as error:
        told = f" {error}. Coordinates are in metres along the model's own axes."
        return bodies, None, told
    except (AttributeError, TypeError) as error:  # the library hands out whatever stands where the schema says unit
        raise FileUnreadableError(
            f"{label}: its units or its place break the schema ({error}); export it anew."
        ) from error
    return moved, reference, ""


def read_ifc(source: Source, options: ReadOptions) -> Records:
    """Read a building model.

    Parameters
    ----------
    source : Source
        A .ifc file.
    options : ReadOptions
        ``layer`` names a class of IFC (None: every product with a shape; "IfcBuilding": one record a building, of
        all that is in it).

    Returns
    -------
    Records
        Columns of :func:`layers.readers.city_objects.city_records`; ``id`` is the GlobalId, ``object_type`` the class,
        ``storey`` and ``building`` where it belongs; properties are called "set.property". Openings, drawings and
        axes are rejected as no bodies.

    Raises
    ------
    ProgramMissingError
        If ifcopenshell is not installed.
    FileUnreadableError
        If the model is broken or of another schema.
    SchemaError
        If there is no such class.
    """
    library, shapes, element = _library()
    model = _open(source, library)
    settings = shapes.settings()
    settings.set("use-world-coords", True)  # noqa: FBT003 - the library's own call
    properties: list[dict[str, Any]] = []
    bodies: list[Body] = []
    faults: list[str | None] = []
    rows: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    products = _products(model, options, source.label)
    for row, product in enumerate(products):
        if product.is_a() in _NO_BODIES:
            rejected.append((row, f"not_selected: {product.is_a()} is no body", str(product.GlobalId)))
            continue
        members = element.get_decomposition(product) if product.is_a(_WHOLE) else [product]
        found, fault = [], None
        for member in members:
            if getattr(member, "Representation", None) is None or member.is_a() in _NO_BODIES:
                continue
            try:
                found.append(_body(member, shapes, settings))
            except RuntimeError as error:
                fault = f"unreadable_geometry: {member.is_a()} {member.GlobalId}: {error}"
        told, unread = _told(product, element)
        properties.append(told)
        bodies.append(_merge(found))
        faults.append(fault or unread)
        rows.append(row)
    placed, reference, hint = _placed(bodies, model, source.label)
    gathered = Gathered(
        mesh=triangle_mesh(placed),
        properties=properties,
        faults=faults,
        rows=np.array(rows, dtype=np.int64),
        in_metres=triangle_mesh(bodies),
    )
    declared = None if reference is None else _declared(reference)
    factor = 1.0 if reference is None else conversion_factor(_frame_unit(reference), "metre")
    records = city_records(gathered, declared=declared, factor=factor)
    out = pd.DataFrame(rejected, columns=["row", "reason", "text"]).astype({"row": np.int64})
    return replace(records, count=len(products), rejected=out, hint=hint)


def _declared(reference: Georeference) -> str | None:
    """Name the frame of the map, with its heights where they have a code."""
    if reference.projected is None:
        return None
    position = reference.projected.position
    vertical = position.vertical or ""
    code = vertical.removeprefix("EPSG:")
    return f"{position.crs}+{code}" if vertical.startswith("EPSG:") and code.isdigit() else position.crs


def _frame_unit(reference: Georeference) -> str:
    return "metre" if reference.projected is None else reference.projected.position.unit
