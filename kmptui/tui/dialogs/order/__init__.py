"""Ordering a certificate: the form, its preview, and following the order into the repository."""
