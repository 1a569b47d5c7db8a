"""Training, judging and export of systems: one loop, exact to the bit when it is stopped and goes on."""
