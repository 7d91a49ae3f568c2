"""`perigee-cluster demo`: a year of passes through the real daemons, and what the cluster makes of the last one."""
