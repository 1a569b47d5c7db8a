"""Systems of the family signals: voice, body, hands and worn sensors, without the picture of a face."""
