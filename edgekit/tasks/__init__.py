"""Several models on one device: who may interrupt whom, the memory they share, whether all are in time."""
