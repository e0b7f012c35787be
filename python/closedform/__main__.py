"""`python -m closedform`: the command line."""

import sys

from closedform.cli import main

sys.exit(main())
