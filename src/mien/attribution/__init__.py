"""What an answer rests on: maps of relevance, the space in which faces are compared, and how maps are judged. Without torch."""
