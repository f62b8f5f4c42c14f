"""The client of Sectigo Certificate Manager's REST API (SCM REST 25.5): the only place that speaks HTTP.

Nothing of httpx leaves this package: calls return domain values and raise errors of `kmptui.errors`.
"""
