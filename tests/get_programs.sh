#!/bin/sh
# Programs of others: mdbtools reads Access databases, GDAL and ncdump are referees of the tests. Tests that need them skip without.
set -u
missing=
command -v mdb-export >/dev/null 2>&1 || missing="$missing mdbtools"
command -v gdalinfo >/dev/null 2>&1 || missing="$missing gdal-bin"
command -v ncdump >/dev/null 2>&1 || missing="$missing netcdf-bin"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing$missing from the system's packages"
    # shellcheck disable=SC2086 - one word a package
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null && exit 0
fi
echo "Not all formats are tested; as an administrator: apt-get install$missing" >&2
