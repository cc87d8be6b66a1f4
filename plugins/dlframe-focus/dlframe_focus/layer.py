"""Channel attention."""

from __future__ import annotations

from dlframe import Tensor, nn


class SqueezeExcite(nn.Module):
    """y = x · σ(W₂ relu(W₁ mean(x) + b₁) + b₂), for x and y of shape (N, channels, H, W).

    The mean over each channel ("squeeze") describes the whole image. A bottleneck of two 1×1
    convolutions turns it into one weight between 0 and 1 per channel ("excite").

    Args:
        channels: of input and output.
        squeezed: width of the bottleneck; unless given, channels / 16, but at least 4.

    Source: Hu, Shen, Sun, *Squeeze-and-Excitation Networks*, CVPR 2018, arXiv:1709.01507.
    The names in `state_dict` are those of torchvision's `SqueezeExcitation`.

        >>> import dlframe as dl
        >>> SqueezeExcite(32)(dl.ones(2, 32, 5, 5)).shape
        (2, 32, 5, 5)
    """

    def __init__(self, channels: int, squeezed: int | None = None) -> None:
        super().__init__()
        self.channels = channels
        self.squeezed = max(channels // 16, 4) if squeezed is None else squeezed
        self.fc1 = nn.Conv2d(channels, self.squeezed, 1)
        self.fc2 = nn.Conv2d(self.squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = x.mean(dim=(2, 3), keepdim=True)
        return x * self.fc2(self.fc1(squeezed).relu()).sigmoid()

    def extra_repr(self) -> str:
        return f"{self.channels}, squeezed={self.squeezed}"
