"""``python -m proband``: the command line."""

from proband.cli.main import main

if __name__ == "__main__":
    main()
