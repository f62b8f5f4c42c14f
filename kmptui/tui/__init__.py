"""The full-screen face: a thin layer of Textual over the services."""
