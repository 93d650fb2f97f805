"""Training material: procedural subjects, packed sources, and batches composed from them."""
