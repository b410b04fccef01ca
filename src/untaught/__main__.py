"""`python -m untaught` is the command `untaught`."""

from untaught.cli import main

if __name__ == "__main__":
    main()
