"""Commands: what a person can do, said once. Keys, footer, palette, help and the command log come from them."""
