"""A vision transformer on small pictures: patches by strides, class token, cosine schedule."""

import torch
import torch.nn.functional as F
from torch import nn


def pair(t):
    return t if isinstance(t, tuple) else (t, t)


class FeedForward(nn.Module):
    def __init__(self, dim, hidden_dim, dropout=0.0):
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, hidden_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, dim),
            nn.Dropout(dropout),
        )

    def forward(self, x):
        return self.net(x)


class Attention(nn.Module):
    def __init__(self, dim, heads=4, dim_head=8, dropout=0.0):
        super().__init__()
        inner_dim = dim_head * heads
        self.heads, self.scale = heads, dim_head**-0.5
        self.norm = nn.LayerNorm(dim)
        self.attend = nn.Softmax(dim=-1)
        self.dropout = nn.Dropout(dropout)
        self.to_qkv = nn.Linear(dim, inner_dim * 3, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        b, n, _ = x.shape
        qkv = self.to_qkv(self.norm(x)).chunk(3, dim=-1)
        q, k, v = map(lambda t: t.reshape(b, n, self.heads, -1).transpose(1, 2), qkv)
        dots = torch.einsum("bhid,bhjd->bhij", q, k) * self.scale
        out = torch.einsum("bhij,bhjd->bhid", self.dropout(self.attend(dots)), v)
        return self.to_out(out.transpose(1, 2).flatten(2))


class ViT(nn.Module):
    def __init__(self, *, image_size, patch_size, num_classes, dim, depth, dropout=0.1):
        super().__init__()
        ih, iw = pair(image_size)
        ph, pw = pair(patch_size)
        assert ih % ph == 0 and iw % pw == 0
        self.patch_size = pair(patch_size)
        self.to_embedding = nn.Sequential(nn.Linear(3 * ph * pw, dim), nn.LayerNorm(dim))
        self.pos_embedding = nn.Parameter(torch.randn(1, (ih // ph) * (iw // pw) + 1, dim) * 0.1)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            self.layers.append(
                nn.ModuleList([Attention(dim, dropout=dropout), FeedForward(dim, 2 * dim, dropout)])
            )
        self.mlp_head = nn.Linear(dim, num_classes)

    def forward(self, img):
        ph, pw = self.patch_size
        patches = img.unfold(2, ph, ph).unfold(3, pw, pw)
        patches = patches.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)
        x = self.to_embedding(patches)
        x = torch.cat((self.cls_token.expand(x.size(0), -1, -1), x), dim=1)
        x = x + self.pos_embedding[:, : x.size(1)]
        for attn, ff in self.layers:
            x = attn(x) + x
            x = ff(x) + x
        return self.mlp_head(x[:, 0])


def batch(size):
    """Stripes: across, down, or slanting; the colour is chance."""
    y = torch.randint(3, (size,))
    wave = torch.arange(16) * 0.8
    fields = torch.stack(
        [wave[:, None].expand(16, 16), wave[None].expand(16, 16), wave[:, None] + wave[None]]
    )
    x = torch.sin(fields[y] + 6 * torch.rand(size, 1, 1))
    return x[:, None] * torch.rand(size, 3, 1, 1) + 0.1 * torch.randn(size, 3, 16, 16), y


torch.manual_seed(17)
model = ViT(image_size=16, patch_size=4, num_classes=3, dim=32, depth=2)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=5)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=25)
scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[5])
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
for step in range(30):
    x, y = batch(32)
    out = model(x)
    loss = criterion(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 6 == 5:
        accuracy = (out.argmax(dim=-1) == y).float().mean()
        print(
            f"step {step} loss {loss:.4f} accuracy {accuracy:.4f} lr {scheduler.get_last_lr()[0]:.2e}"
        )
model.eval()
with torch.inference_mode():
    print(F.softmax(model(batch(2)[0]), dim=-1))
