"""`python -m kmptui`."""

from kmptui.cli.main import main

if __name__ == "__main__":
    main()
