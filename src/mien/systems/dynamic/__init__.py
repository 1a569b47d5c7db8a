"""Systems of the family dynamic: expression, affect and traits over time, from video with or without sound."""
