"""`python -m closedform`: the command line."""

import sys

from closedform.cli.main import main

sys.exit(main())
