"""Person matting: people without trimaps, from frames and a map of where people are, a group of frames at a time."""
