"""`python -m tests.attack --count N --seed S`: counts, and faults; fails where there is one."""

from __future__ import annotations

import argparse
import sys

from tests.attack.campaign import campaign, counted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first attack")
    options = parser.parse_args()
    found = campaign(options.count, options.seed, options.first)
    print(counted(found))
    return int(any(one["outcome"] == "FAULT" for one in found))


if __name__ == "__main__":
    sys.exit(main())
