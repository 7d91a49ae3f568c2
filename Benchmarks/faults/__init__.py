"""Fault bench: breaks the ground below the real daemons, and counts every frame at source, spool and archive."""
