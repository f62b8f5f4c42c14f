"""Dialogs and forms: each ends with a typed value, or with None."""
