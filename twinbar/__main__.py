"""``python -m twinbar``: the command."""

from twinbar.host.cli import main

if __name__ == "__main__":
    main()
