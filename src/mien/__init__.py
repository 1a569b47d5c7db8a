"""mien: read, explain and animate facial expression."""

__version__ = "0.1.0"
