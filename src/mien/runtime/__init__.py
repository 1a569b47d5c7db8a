"""Runtime: named arrays in, named arrays out; the embedded networks and their cards."""
