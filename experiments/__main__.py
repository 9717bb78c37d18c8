"""`python -m experiments`: see experiments/_cli.py."""

import sys

from experiments._cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
