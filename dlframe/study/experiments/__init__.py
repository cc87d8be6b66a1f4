"""The studies that come with dlframe, a module each: `dlframe study NAME` runs them.

A module of this kind is what a study file of one's own is: functions that make a run, `Study`
objects at its top level, and perhaps an `explanation`.
"""

from __future__ import annotations

__all__ = ["STUDIES"]

STUDIES = {
    "alike": "two arms that differ by chance alone: do intervals keep what they promise?",
    "modules": "each part of a perceptron varied: activation, optimizer, regularization, loss ...",
    "mnist": "handwritten digits: networks compared, and three ways to write one training",
    "images": "digits by plain descent, momentum and Adam; photographs by a network in minutes",
    "engine": "derivatives at work: a chain, differential equations, a curve, histograms ...",
    "sequences": "RNN, LSTM, GRU and attention on copying, adding and text: how far do they see?",
    "disk": "points in the unit square, inside or outside a disk: optimizers, activations, losses",
}
"""The names of the modules here, and what each one asks."""
