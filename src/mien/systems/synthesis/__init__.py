"""Systems of the family synthesis: pictures of faces made or changed."""
