"""Makes the sample city of Shenzhen out of streets and buildings of two other cities, moved as a whole.

Run ``python -m data_samples.shenzhen.make --out data_samples/shenzhen``. The streets are those of Coquimbo and La
Serena (Chile), the buildings those of Monaco; both are OpenStreetMap's. Nothing here shows where anything in Shenzhen
is: what is Chinese is how the files say "where". The package uses pyproj and the published formulas on its own and
imports nothing of the engine: it is the independent oracle of where every record truly is.
"""
