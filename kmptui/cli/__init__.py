"""The command line: arguments in, one value out, an exit code. Imports nothing heavy before a command runs."""
