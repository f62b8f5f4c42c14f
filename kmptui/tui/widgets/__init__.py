"""Widgets that know nothing of certificates: lists, fields, dialogs, the frame."""
