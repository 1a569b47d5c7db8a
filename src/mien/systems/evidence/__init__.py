"""Systems of the family evidence: data sets, reviews and taxonomies."""
