"""What memory of a place is worth: real series coded in closed loop, with and without earlier frames."""
