"""Notify: who is told what, and whether it reached them."""
