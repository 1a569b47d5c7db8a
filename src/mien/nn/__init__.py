"""Shared torch parts; imported only where something is trained or built."""
