"""A denoising diffusion model of points on two moons: noise schedule, time embedding, sampling."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)
T = 50


def moons(n):
    angle = torch.rand(n) * math.pi
    upper = torch.bernoulli(torch.full((n,), 0.5))
    x = torch.where(upper == 1, angle.cos(), 1 - angle.cos())
    y = torch.where(upper == 1, angle.sin(), 0.5 - angle.sin())
    return torch.stack((x, y), -1) + 0.05 * torch.randn(n, 2)


class SinusoidalEmbedding(nn.Module):
    def __init__(self, size, scale=1.0):
        super().__init__()
        self.size, self.scale = size, scale

    def forward(self, x):
        x = x * self.scale
        half = self.size // 2
        emb = torch.log(torch.Tensor([10000.0])) / (half - 1)
        emb = torch.exp(-emb * torch.arange(half))
        emb = x.unsqueeze(-1) * emb.unsqueeze(0)
        return torch.cat((torch.sin(emb), torch.cos(emb)), dim=-1)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ff = nn.Linear(size, size)
        self.act = nn.SiLU()

    def forward(self, x):
        return x + self.act(self.ff(x))


class Denoiser(nn.Module):
    def __init__(self, hidden=48, emb=16):
        super().__init__()
        self.time = SinusoidalEmbedding(emb)
        layers = [nn.Linear(2 + emb, hidden), nn.GELU()]
        for _ in range(2):
            layers.append(Block(hidden))
        layers.append(nn.Linear(hidden, 2))
        self.joint = nn.Sequential(*layers)

    def forward(self, x, t):
        return self.joint(torch.cat((x, self.time(t)), dim=-1))


class NoiseScheduler:
    def __init__(self):
        self.betas = torch.linspace(1e-4, 0.1, T, dtype=torch.float32)
        self.alphas = 1.0 - self.betas
        self.alphas_cumprod = torch.cumprod(self.alphas, axis=0)
        self.alphas_cumprod_prev = F.pad(self.alphas_cumprod[:-1], (1, 0), value=1.0)

    def add_noise(self, x, noise, t):
        s1 = (self.alphas_cumprod**0.5)[t].reshape(-1, 1)
        s2 = ((1 - self.alphas_cumprod) ** 0.5)[t].reshape(-1, 1)
        return s1 * x + s2 * noise

    def step(self, predicted, t, sample):
        x0 = (sample - (1 - self.alphas_cumprod[t]).sqrt() * predicted) / self.alphas_cumprod[
            t
        ].sqrt()
        x0 = x0.clip(-3, 3)
        rest = 1.0 - self.alphas_cumprod[t]
        c1 = self.betas[t] * self.alphas_cumprod_prev[t].sqrt() / rest
        c2 = (1 - self.alphas_cumprod_prev[t]) * self.alphas[t].sqrt() / rest
        mean = c1 * x0 + c2 * sample
        if t == 0:
            return mean
        variance = self.betas[t] * (1.0 - self.alphas_cumprod_prev[t]) / rest
        return mean + variance.clamp(min=1e-20) ** 0.5 * torch.randn_like(sample)


loader = DataLoader(TensorDataset(moons(512)), batch_size=64, shuffle=True, drop_last=True)
model, scheduler = Denoiser(), NoiseScheduler()
ema = torch.optim.swa_utils.AveragedModel(model, avg_fn=lambda a, m, n: 0.9 * a + 0.1 * m)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
lr = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
for epoch in range(6):
    losses = []
    for (batch,) in loader:
        noise = torch.randn(batch.shape)
        t = torch.randint(0, T, (batch.shape[0],)).long()
        loss = F.mse_loss(model(scheduler.add_noise(batch, noise, t), t), noise)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.update_parameters(model)
        losses.append(loss.detach().item())
    lr.step()
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.5f}, lr {lr.get_last_lr()[0]:.6f}")

ema.eval()
with torch.no_grad():
    sample = torch.randn(200, 2)
    for t in reversed(range(T)):
        sample = scheduler.step(ema(sample, torch.full((200,), t)), t, sample)
print("mean", [f"{v:.3f}" for v in sample.mean(0)], "std", [f"{v:.3f}" for v in sample.std(0)])
