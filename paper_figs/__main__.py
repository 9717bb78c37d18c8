"""`python -m paper_figs`: see paper_figs/_cli.py."""

import sys

from paper_figs._cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
