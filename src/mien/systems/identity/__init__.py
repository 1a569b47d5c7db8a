"""Systems of the family identity: who it is, whether it is real, and how to forget it."""
