"""Geometry: boxes, alignment, pose, camera and mesh, in numpy."""
