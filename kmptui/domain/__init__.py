"""Pure rules and values of certificate management: no I/O, no framework, no clock of its own."""
