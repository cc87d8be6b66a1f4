"""Draws the pictures of the documentation, with a function for each; the keys are file names."""

from __future__ import annotations

from drawings import (
    activations,
    attention,
    convolution,
    distances,
    dropout,
    elementwise,
    embedding,
    gallery,
    graphs,
    initial,
    layers,
    losses,
    normalization,
    optimization,
    optimizers,
    parametrized,
    pooling,
    recurrent,
    resampling,
    structure,
)

PICTURES = {
    **elementwise.PICTURES,
    **activations.PICTURES,
    **distances.PICTURES,
    **losses.PICTURES,
    **layers.PICTURES,
    **pooling.PICTURES,
    **structure.PICTURES,
    **resampling.PICTURES,
    **normalization.PICTURES,
    **convolution.PICTURES,
    **dropout.PICTURES,
    **recurrent.PICTURES,
    **attention.PICTURES,
    **embedding.PICTURES,
    **initial.PICTURES,
    **optimizers.PICTURES,
    **optimization.PICTURES,
    **gallery.PICTURES,
    **graphs.PICTURES,
    **parametrized.PICTURES,
}
