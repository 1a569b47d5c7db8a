"""Metrics in numpy: each with its formula, each tested against an independent implementation."""
