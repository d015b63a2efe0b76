"""Makes the embedded city of Monaco from an OpenStreetMap extract.

Run ``python -m data_samples.monaco.make --pbf monaco.osm.pbf --out data_samples/monaco``. What OpenStreetMap holds is
copied, what it does not hold (traffic, air, population, heights without a tag) is modelled and marked so. The package
uses pyproj on its own and imports nothing of the engine: it is the independent oracle of where every record truly is.
"""
