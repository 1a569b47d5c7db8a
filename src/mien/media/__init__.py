"""Media: decode pictures and video, draw and encode results."""
