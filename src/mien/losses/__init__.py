"""Losses in torch: each returns its parts by name; "loss" is what is minimised."""
