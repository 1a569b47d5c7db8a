"""Published systems: a card each, and a module once it is built.

The card is the seam: listing, documentation and reports read cards (:mod:`mien.cards`). A system is a module whose functions
are found by name; it never imports another system, and torch is imported only when one is built or trained.
"""
