"""Systems of the family explain: why a face is read so: attribution, reasoning in words, looks inside a network."""
