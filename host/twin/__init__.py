"""The twin's memory: how weights and optimizer state are stored between steps, and what is read and written."""
