"""A normalizing flow (RealNVP) of points: affine couplings, log-determinants, samples."""

import math

import torch
import torch.nn as nn
from torch.nn.parameter import Parameter

torch.manual_seed(11)


class StandardNormal:
    def __init__(self, size):
        self.size = size

    def log_prob(self, z):
        return -0.5 * (z.pow(2).sum(dim=1) + self.size * math.log(2 * math.pi))

    def sample(self, shape):
        return torch.randn(*shape, self.size)


class RealNVP(nn.Module):
    def __init__(self, nets, nett, mask, prior):
        super(RealNVP, self).__init__()
        self.prior = prior
        self.mask = nn.Parameter(mask, requires_grad=False)
        self.t = torch.nn.ModuleList([nett() for _ in range(len(mask))])
        self.s = torch.nn.ModuleList([nets() for _ in range(len(mask))])
        self.scale = Parameter(torch.zeros(1))

    def g(self, z):
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s = self.s[i](x_) * (1 - self.mask[i]) * self.scale.exp()
            t = self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        log_det_J, z = x.new_zeros(x.shape[0]), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s = self.s[i](z_) * (1 - self.mask[i]) * self.scale.exp()
            t = self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det_J -= s.sum(dim=1)
        return z, log_det_J

    def log_prob(self, x):
        z, logp = self.f(x)
        return self.prior.log_prob(z) + logp

    def sample(self, batchSize):
        z = self.prior.sample((batchSize,))
        return self.g(z)


def spiral(count):
    r = torch.rand(count).sqrt() * 3
    x = torch.stack([r * torch.cos(2 * r), r * torch.sin(2 * r)], dim=1)
    return x + torch.randn_like(x) * 0.1


nets = lambda: nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 2), nn.Tanh())
nett = lambda: nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 2))
masks = torch.tensor([[0, 1], [1, 0]] * 2, dtype=torch.float32)
prior = StandardNormal(2)
flow = RealNVP(nets, nett, masks, prior)
optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad == True], lr=5e-3)

for t in range(41):
    loss = -flow.log_prob(spiral(100)).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    if t % 10 == 0:
        print("iter %s:" % t, "loss = %.4f" % loss)

with torch.no_grad():
    x = flow.sample(5)
    z, _ = flow.f(x)
    print(x)
    print(torch.allclose(flow.g(z), x, atol=1e-4), flow.scale.item())
