# Two commands do everything: `make demo` and `make test`. The rest are their parts.
# uv is used where it is installed, pip otherwise; nothing else is expected but Python >= 3.11.

PYTHON ?= python3
# A city by the name of its sample (monaco, shenzhen), or the path of its manifest.
CITY   ?= monaco
TWIN   ?= $(if $(filter %.yaml,$(CITY)),$(notdir $(CITY:.yaml=)),$(CITY)).twin
PORT   ?= 5006
BIN    := .venv/bin
ROOMS  := crs layers spatial_join twin dashboards
# Two workers: the machines that this is tested on have two cores, and a browser wants one of them.
JOBS   ?= 2
CASES  ?= 2000
FILES  ?= 10000
JUDGE  ?= ours
KILLS  ?= 200
PEERS  ?= $(BIN)/python

.PHONY: bench-cube torture check-joins check-qgis help demo test lint types check-structure unit browser chromium programs bench-positions bench-scaling bench-spatialbench bench-whole fuzz clean bench-streams bench-osm-parts screenshots

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: .venv/.run ## Install, build the sample city, serve it on this machine and print the address
	@$(BIN)/twin build $(if $(filter %.yaml,$(CITY)),$(CITY),data_samples/$(CITY)/city.yaml) --out $(TWIN)
	@$(BIN)/twin serve $(TWIN) --port $(PORT)

test: lint types check-structure unit ## Lint, types, structure and all tests

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev
	@$(BIN)/mypy

check-structure: .venv/.dev
	@$(BIN)/lint-imports --no-cache

unit: .venv/.dev chromium programs
	@test -n "$$TWIN_NYC_DATA" || echo "New York not tested: name its folder in TWIN_NYC_DATA"
	@test -n "$$TWIN_FORMATS_DATA" || echo "Sample formats not tested: name their folder in TWIN_FORMATS_DATA"
	@# The browser's tests by themselves: Playwright keeps an event loop, and a page wants a core. The cities are built once.
	@built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT && export TWIN_BUILT_FOR_TESTS="$$built" && \
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --ignore tests/browser && \
	$(BIN)/python -m pytest -q tests/browser

screenshots: .venv/.dev chromium ## Take the pictures of docs/reference/contact-sheet.md from the built sample city
	@test -d monaco.twin || $(BIN)/twin build data_samples/monaco/city.yaml --out monaco.twin
	@$(BIN)/python -m docs.make_contact_sheet monaco.twin

browser: .venv/.dev chromium ## Only the tests that look at the page
	@$(BIN)/python -m pytest -q tests/browser

chromium:
	@sh tests/browser/get_chromium.sh

programs:
	@sh tests/get_programs.sh

bench-positions: .venv/.dev ## Measure the naming of definitions on held-out cases (CASES=2000, JUDGE=ours)
	@$(BIN)/python -m benchmarks.positions_bench --cases $(CASES) --judge $(JUDGE) --workers $(JOBS)

bench-scaling: .venv/.dev ## Measure joins from file to file at 1, 10 and 100 M points on one worker and two
	@$(BIN)/python -m benchmarks.scaling

bench-whole: .venv/.dev ## Join 10 M points beside whole engines (PEERS=python with sedonadb, duckdb)
	@$(BIN)/python -m benchmarks.whole_process --peers $(PEERS)

bench-spatialbench: .venv/.dev ## Ask SpatialBench's joins of 1 M trips beside the peers that are installed
	@$(BIN)/python -m benchmarks.spatialbench

bench-cube: .venv/.dev ## Ask a year of hours for a million cells for a day of a district (needs 9 GB of disk)
	@$(BIN)/python -m benchmarks.cube_query

bench-streams: .venv/.dev ## Read a table of 20 GB part by part within 4 GB (needs 25 GB of disk)
	@$(BIN)/python -m benchmarks.streams

bench-osm-parts: .venv/.dev ## Read an OpenStreetMap PBF of made streets part by part, and whole
	@$(BIN)/python -m benchmarks.osm_parts --eager --partition-mb 4

check-joins: .venv/.dev ## Compare joins with GeoPandas on 10,000 random cases by grid and by tree, 1,000 lazily by each (long)
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -q tests/spatial_join/test_join.py -k as_geopandas --timeout 3600

check-qgis: .venv/.dev ## Open a twin's exports in QGIS (Debian: apt-get install python3-qgis; TWIN=monaco.twin)
	@$(BIN)/python -m tests.twin.check_qgis $(TWIN)

fuzz: .venv/.dev ## Read mutated files, 10,000 a family (FILES=10000), each in its child process (hours)
	@nice -n 15 $(BIN)/python -m tests.layers.fuzz --files $(FILES)

torture: .venv/.dev ## Kill 200 builds, disturb workers 20 times, fill a disk at 50 places, turn 1,000 bits (an hour)
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.kills --kills $(KILLS)
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.kills --kills $(KILLS) --stretch 40
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.signals --times 20 --stretch 40
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.poison
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.disk --offsets 50 --stretch 40
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.flips --flips 1000
	@nice -n 15 $(BIN)/python -m tests.twin.plugs.workers --stretch 40

clean: ## Remove what was built, the environment included
	rm -rf .venv monaco.twin shenzhen.twin build dist *.egg-info

# The stamps let a second `make demo` start at once; a change of pyproject.toml installs again.
.venv/.run: pyproject.toml
	@sh .ci/environment "$(PYTHON)" "."
	@touch $@

.venv/.dev: pyproject.toml
	@sh .ci/environment "$(PYTHON)" ".[dev]"
	@touch $@ .venv/.run
