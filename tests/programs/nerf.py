"""A tiny neural radiance field of a coloured ball: rays, positional encoding, volume rendering."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9458)
H = W = 10
focal = 12.0
N_samples = 12


def positional_encoding(tensor, num_encoding_functions=4):
    encoding = [tensor]
    bands = 2.0 ** torch.linspace(0.0, num_encoding_functions - 1, num_encoding_functions)
    for freq in bands:
        for func in [torch.sin, torch.cos]:
            encoding.append(func(tensor * freq))
    return torch.cat(encoding, dim=-1)


def pose(theta):
    c, s = np.cos(theta), np.sin(theta)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=np.float32)
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = turn
    matrix[:3, 3] = turn @ np.array([0, 0, 3.0], dtype=np.float32)
    return torch.from_numpy(matrix)


def get_ray_bundle(c2w):
    ii, jj = torch.meshgrid(torch.arange(W).to(c2w), torch.arange(H).to(c2w), indexing="xy")
    directions = torch.stack(
        [(ii - W * 0.5) / focal, -(jj - H * 0.5) / focal, -torch.ones_like(ii)], dim=-1
    )
    ray_directions = torch.sum(directions[..., None, :] * c2w[:3, :3], dim=-1)
    return c2w[:3, -1].expand(ray_directions.shape), ray_directions


def cumprod_exclusive(tensor):
    cumprod = torch.cumprod(tensor, -1)
    cumprod = torch.roll(cumprod, 1, -1)
    cumprod[..., 0] = 1.0
    return cumprod


def render(field, origins, directions, randomize=True):
    depth = torch.linspace(2.0, 4.0, N_samples).to(origins)
    if randomize:
        noise = torch.rand(list(origins.shape[:-1]) + [N_samples])
        depth = depth + noise * 2.0 / N_samples
    else:
        depth = depth.expand(*origins.shape[:-1], N_samples)
    points = origins[..., None, :] + directions[..., None, :] * depth[..., :, None]
    flat = points.reshape((-1, 3))
    raw = torch.cat([field(chunk) for chunk in torch.split(flat, 600)], dim=0)
    raw = torch.reshape(raw, list(points.shape[:-1]) + [4])
    sigma, rgb = F.relu(raw[..., 3]), torch.sigmoid(raw[..., :3])
    far = torch.tensor([1e10], dtype=origins.dtype)
    dists = torch.cat((depth[..., 1:] - depth[..., :-1], far.expand(depth[..., :1].shape)), dim=-1)
    alpha = 1.0 - torch.exp(-sigma * dists)
    weights = alpha * cumprod_exclusive(1.0 - alpha + 1e-10)
    return (weights[..., None] * rgb).sum(dim=-2), (weights * depth).sum(-1), weights.sum(-1)


def ball(points):
    """The true scene: dense inside of radius 0.7, coloured by place."""
    inside = (points.norm(dim=-1, keepdim=True) < 0.7).float()
    return torch.cat([4 * points, 20 * inside], dim=-1)


class VeryTinyNerfModel(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.layer1 = nn.Linear(27, width)
        self.layer2 = nn.Linear(width, width)
        self.layer3 = nn.Linear(width, 4)

    def forward(self, x):
        x = F.relu(self.layer1(positional_encoding(x)))
        return self.layer3(F.relu(self.layer2(x)))


poses = [pose(theta) for theta in np.linspace(0, 2 * np.pi, 6)[:-1]]
with torch.no_grad():
    images = torch.stack([render(ball, *get_ray_bundle(p), randomize=False)[0] for p in poses])
print(images.shape, "mean %.4f" % images.mean())
model = VeryTinyNerfModel()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
np.random.seed(9458)
for i in range(25):
    target = np.random.randint(len(poses) - 1)
    rgb, depth, acc = render(model, *get_ray_bundle(poses[target]))
    loss = F.mse_loss(rgb, images[target])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if i % 6 == 0:
        psnr = -10.0 * torch.log10(loss)
        print("Iteration: %d Loss: %.5f PSNR: %.3f" % (i, loss.item(), psnr.item()))
with torch.no_grad():
    rgb, depth, acc = render(model, *get_ray_bundle(poses[-1]), randomize=False)
    print(
        "held out %.5f, depth %.4f, opacity %.4f"
        % (F.mse_loss(rgb, images[-1]), depth[5, 5], acc.mean())
    )
