"""Systems of the family action_units: facial action units."""
