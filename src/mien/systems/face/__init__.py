"""Systems of the family face: finding a face and its parts: detection, landmarks, parsing, several face tasks at once."""
