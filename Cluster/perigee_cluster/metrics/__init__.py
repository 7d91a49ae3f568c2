"""The numbers of reports, as design and documents define them."""
