"""Files that TensorBoard reads, with the functions of `torch.utils.tensorboard`.

They are written by TensorBoard's own writer, an extra: `pip install 'dlframe[tensorboard]'`.

>>> import tempfile
>>> from dlframe.utils.tensorboard import SummaryWriter
>>> with SummaryWriter(tempfile.mkdtemp()) as writer:
...     for step in range(3):
...         writer.add_scalar("loss", dl.tensor(1 / (step + 1)), step)
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.utils.tensorboard.writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]

lazily(__name__)
