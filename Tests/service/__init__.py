"""Tests of the units of Systemd/: their rating, the daemons inside their sandbox, and under a service manager."""
