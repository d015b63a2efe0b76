"""The footprint and height of one city object, surface by surface with shapely: slow and obvious."""

import shapely


def outline(vertices, surfaces):
    """Unite all surfaces seen from above; walls have no area and fall out."""
    parts = []
    for shell, *holes in surfaces:
        polygon = shapely.Polygon([vertices[i][:2] for i in shell], [[vertices[i][:2] for i in hole] for hole in holes])
        if polygon.area > 1e-9:
            parts.append(polygon.buffer(0) if not polygon.is_valid else polygon)
    return shapely.union_all(parts)


def height(vertices, surfaces):
    z = [vertices[i][2] for surface in surfaces for ring in surface for i in ring]
    return max(z) - min(z)
