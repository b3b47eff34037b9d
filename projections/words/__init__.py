"""Message catalogues: every sentence that a reader sees, in Spanish (es-GT, the default) and English."""
