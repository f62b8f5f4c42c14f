"""Keys, requests, certificates and keystores: bytes in, bytes and plain facts out. Nothing here reads the store or the
network; the only file it touches is one that it is told to read."""

import warnings

# Advice of the library to developers about odd certificates; on a user's terminal it would only be noise.
warnings.filterwarnings("ignore", message="Parsed a (serial number|negative serial)")
warnings.filterwarnings("ignore", message="PKCS#7 certificates could not be parsed as DER")
