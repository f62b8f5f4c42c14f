"""A whole SCM of its own: the documented REST API over a real CA, for rehearsals and tests.

It shares no code with the rest of kmptui, so that a misreading of the API cannot hide on both sides.
Start it with :func:`kmptui.sandbox.server.running` or :class:`kmptui.sandbox.server.SandboxServer`.
"""
