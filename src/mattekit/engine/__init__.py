"""What is done with any model: streaming, training. Knows protocols, never families or files of media."""
