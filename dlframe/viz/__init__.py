"""Pictures of data, training and mistakes, as matplotlib Figures and as files.

Every function takes Tensors or arrays, returns a Figure, and with `path=` also saves it, whole or
not at all. What studies an optimizer or a trained model returns its numbers first, in an object
whose `plot` draws them. matplotlib is an extra (`pip install 'dlframe[viz]'`) and is imported on
first use. pyplot is never imported.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.viz import surfaces
    from dlframe.viz.architecture import architecture
    from dlframe.viz.attention import Attention, AttentionMap, attention
    from dlframe.viz.attribution import (
        Attribution,
        feature_maps,
        grad_cam,
        occlusion,
        saliency,
    )
    from dlframe.viz.boundaries import decision_boundary
    from dlframe.viz.classes import class_balance, class_scores
    from dlframe.viz.classifiers import calibration, det, precision_recall, roc, thresholds
    from dlframe.viz.compare import compare, outcomes
    from dlframe.viz.curves import curves
    from dlframe.viz.distributions import histogram_course, histograms, quantile_course
    from dlframe.viz.embedding import Embedding, embedding
    from dlframe.viz.flow import activation_course, gradient_flow, update_ratios
    from dlframe.viz.graph import graph
    from dlframe.viz.grids import filters_grid, mistakes_grid, sample_grid
    from dlframe.viz.landscape import (
        Landscape,
        landscape,
        principal_directions,
        random_directions,
    )
    from dlframe.viz.matrix import confusion
    from dlframe.viz.playground.opening import Playground, playground
    from dlframe.viz.rate_range import rate_range
    from dlframe.viz.reports.callback import ReportWriter
    from dlframe.viz.reports.report import Report, report
    from dlframe.viz.residuals import residuals
    from dlframe.viz.schedules import schedules
    from dlframe.viz.style import house_style, save
    from dlframe.viz.tracker import Tracker
    from dlframe.viz.trajectories import Trajectories, trajectories
    from dlframe.viz.watch.watching import Watching, watch

__all__ = [
    "Attention",
    "AttentionMap",
    "Attribution",
    "Embedding",
    "Landscape",
    "Playground",
    "Report",
    "ReportWriter",
    "Tracker",
    "Trajectories",
    "Watching",
    "activation_course",
    "architecture",
    "attention",
    "calibration",
    "class_balance",
    "class_scores",
    "compare",
    "confusion",
    "curves",
    "decision_boundary",
    "det",
    "embedding",
    "feature_maps",
    "filters_grid",
    "grad_cam",
    "gradient_flow",
    "graph",
    "histogram_course",
    "histograms",
    "house_style",
    "landscape",
    "mistakes_grid",
    "occlusion",
    "outcomes",
    "playground",
    "precision_recall",
    "principal_directions",
    "quantile_course",
    "random_directions",
    "rate_range",
    "report",
    "residuals",
    "roc",
    "saliency",
    "sample_grid",
    "save",
    "schedules",
    "surfaces",
    "thresholds",
    "trajectories",
    "update_ratios",
    "watch",
]

lazily(__name__)
