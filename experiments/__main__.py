"""`python -m experiments`: see experiments/_cli.py."""

import sys

try:
    from experiments._cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] in ("experiments", "hadax"):
        raise  # a fault of ours, not a missing package
    sys.exit(
        f"error: Experiments need the package {error.name!r}. "
        "Install what they need: pip install -e '.[experiments]'"
    )

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
