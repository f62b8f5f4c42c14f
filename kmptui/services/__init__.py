"""The use cases: the only place where the SCM client, the keys and the store meet. Knows no face."""
