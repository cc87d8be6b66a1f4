"""What the pictures of the documentation show: one function per picture, by its file's name."""

from __future__ import annotations

from drawings import elementwise, functions, gallery, graphs, initial, layers, optimizers

PICTURES = {
    **elementwise.PICTURES,
    **functions.PICTURES,
    **layers.PICTURES,
    **initial.PICTURES,
    **optimizers.PICTURES,
    **gallery.PICTURES,
    **graphs.PICTURES,
}
