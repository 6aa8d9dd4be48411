"""Independent checks. Nothing here imports an encoder or a backend, so that their mistakes are caught."""
