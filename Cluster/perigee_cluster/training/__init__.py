"""What fits the statistics of the firmware."""
