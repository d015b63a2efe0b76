"""Files in, layers out, nothing lost.

`read` turns a file (or several of one schema) into a `Layer` or a `RasterLayer`: attributes, positions as published
with the definition that says what they mean, and a `Ledger` in which every record is placed, quarantined with a
reason, or rejected with a reason. The reader is chosen by the file's ending and its first bytes, never by a library's
guess; `ReadOptions`, `TimeColumn`, `Field`, `Wide` and `XmlTable` say what a file does not say itself.
"""

from layers.checks import key_text
from layers.clock import TimeColumn
from layers.errors import (
    FileRefusedError,
    FileUnreadableError,
    LayerError,
    LedgerError,
    PositionContradictionError,
    PositionMissingError,
    ProgramMissingError,
    ReaderFailedError,
    SchemaError,
)
from layers.fields import Field, Flags, Gas
from layers.ledger import Ledger
from layers.limits import Limits
from layers.model import Layer
from layers.options import ReadOptions, Wide, XmlTable
from layers.origin import Origin
from layers.position import undeclared
from layers.position_repairs import repair_positions
from layers.quality import MEASURES, Due, Measure, Quality, assess, prints_of
from layers.raster import RasterLayer
from layers.reading import read
from layers.registry import FORMATS
from layers.repair_rules import Repair
from layers.repairs import RepairLog, repair_table
from layers.replay import replay
from layers.rules import check_rules, parse_rule
from layers.validity import Coverage, Valid, check_coverage, holds_on

__all__ = [
    "FORMATS",
    "MEASURES",
    "Coverage",
    "Due",
    "Field",
    "FileRefusedError",
    "FileUnreadableError",
    "Flags",
    "Gas",
    "Layer",
    "LayerError",
    "Ledger",
    "LedgerError",
    "Limits",
    "Measure",
    "Origin",
    "PositionContradictionError",
    "PositionMissingError",
    "ProgramMissingError",
    "Quality",
    "RasterLayer",
    "ReadOptions",
    "ReaderFailedError",
    "Repair",
    "RepairLog",
    "SchemaError",
    "TimeColumn",
    "Valid",
    "Wide",
    "XmlTable",
    "assess",
    "check_coverage",
    "check_rules",
    "holds_on",
    "key_text",
    "parse_rule",
    "prints_of",
    "read",
    "repair_positions",
    "repair_table",
    "replay",
    "undeclared",
]
