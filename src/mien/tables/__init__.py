"""Rows: the tidy schema, its writers and readers, and the formats of other tools."""
