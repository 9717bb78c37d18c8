"""`python -m paper_figs`: see paper_figs/_cli.py."""

import sys

try:
    from paper_figs._cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] in ("paper_figs", "experiments", "hadax"):
        raise  # a fault of ours, not a missing package
    sys.exit(
        f"error: Figures need the package {error.name!r}. "
        "Install what they need: pip install -e '.[experiments]'"
    )

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
