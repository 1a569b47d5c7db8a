"""Rows: the tidy schema, its writers and readers, and the formats of other tools."""

from .schema import SCHEMA_VERSION, Column, columns, describe, markdown
from .table import Table
from .writer import Writer, open_writer

__all__ = ["SCHEMA_VERSION", "Column", "Table", "Writer", "columns", "describe", "markdown", "open_writer"]
