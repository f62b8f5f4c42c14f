"""The tabs: each gets just the services that it uses, and can be mounted alone."""
