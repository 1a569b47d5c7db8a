"""Systems of the family expression: expression in still pictures."""
