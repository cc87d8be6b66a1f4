"""Networks: modules, layers, losses, functions and initial values."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.nn import attention, functional, grad, init, lazy, modules, utils
    from dlframe.nn.activation import *
    from dlframe.nn.adaptive_pooling import *
    from dlframe.nn.batchnorm import *
    from dlframe.nn.container import *
    from dlframe.nn.conv import *
    from dlframe.nn.distance import *
    from dlframe.nn.dropout import *
    from dlframe.nn.embedding import *
    from dlframe.nn.flatten import *
    from dlframe.nn.fold import *
    from dlframe.nn.instancenorm import *
    from dlframe.nn.linear import *
    from dlframe.nn.loss import *
    from dlframe.nn.margin_loss import *
    from dlframe.nn.module import *
    from dlframe.nn.multihead import *
    from dlframe.nn.normalization import *
    from dlframe.nn.padding import *
    from dlframe.nn.pair_loss import *
    from dlframe.nn.parallel import *
    from dlframe.nn.parameter import *
    from dlframe.nn.parameter_container import *
    from dlframe.nn.pooling import *
    from dlframe.nn.rectifiers import *
    from dlframe.nn.recurrent import *
    from dlframe.nn.recurrent_base import *
    from dlframe.nn.recurrent_cells import *
    from dlframe.nn.sequence_loss import *
    from dlframe.nn.softmax import *
    from dlframe.nn.transformer import *
    from dlframe.nn.transformer_layers import *
    from dlframe.nn.unpooling import *
    from dlframe.nn.upsampling import *

__all__ = lazily(__name__)
