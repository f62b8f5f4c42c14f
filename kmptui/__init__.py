"""kmptui: manage the TLS certificates of Sectigo Certificate Manager from a terminal."""

__version__ = "0.1.0"
