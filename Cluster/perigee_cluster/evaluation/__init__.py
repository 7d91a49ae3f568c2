"""What reconstructions are worth: places, methods to compare with, and measures."""
