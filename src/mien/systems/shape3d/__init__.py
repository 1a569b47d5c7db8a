"""Systems of the family shape3d: 3-D shape from pictures and scans."""
