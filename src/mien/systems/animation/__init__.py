"""Systems of the family animation: faces driven by speech, emotion or another face."""
