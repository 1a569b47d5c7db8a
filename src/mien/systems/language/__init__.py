"""Systems of the family language: emotion in words, and language models that look."""
