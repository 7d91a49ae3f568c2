"""`python -m perigee_cluster`: the command line."""

import sys

from perigee_cluster.cli import main

sys.exit(main())
