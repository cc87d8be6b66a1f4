"""A generative adversarial network whose generator learns points on a ring."""

import math

import torch
import torch.nn as nn

torch.manual_seed(3)

nz = 8
batch = 64
device = "cuda" if torch.cuda.is_available() else "cpu"


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        m.weight.data.normal_(0.0, 0.2)
        m.bias.data.fill_(0)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


def real_points(count):
    angle = 2 * math.pi * torch.rand(count)
    points = torch.stack([angle.cos(), angle.sin()], dim=1)
    return points + 0.05 * torch.randn(count, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.main = nn.Sequential(
            *block(nz, 32, normalize=False), *block(32, 32), nn.Linear(32, 2), nn.Tanh()
        )

    def forward(self, z):
        return 1.5 * self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(2, 32),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Dropout(0.1),
            nn.Linear(32, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.main(x).squeeze(1)


netG, netD = Generator().to(device), Discriminator().to(device)
netG.apply(weights_init)
netD.apply(weights_init)
print(netG)

criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=0.002, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
fixed_noise = torch.randn(batch, nz, device=device)

for step in range(61):
    netD.zero_grad()
    label = torch.full((batch,), 1.0, device=device)
    output = netD(real_points(batch).to(device))
    errD_real = criterion(output, label)
    errD_real.backward()
    D_x = output.mean().item()

    fake = netG(torch.randn(batch, nz, device=device))
    label.fill_(0.0)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    optimizerD.step()

    netG.zero_grad()
    label.fill_(1.0)
    output = netD(fake)
    errG = criterion(output, label)
    errG.backward()
    optimizerG.step()
    if step % 15 == 0:
        errD = errD_real + errD_fake
        print(
            "[%d] Loss_D: %.4f Loss_G: %.4f D(x): %.4f D(G(z)): %.4f"
            % (step, errD.item(), errG.item(), D_x, output.mean().item())
        )

netG.eval()
with torch.no_grad():
    radius = netG(fixed_noise).norm(dim=1)
print(f"radius {radius.mean().item():.4f} +- {radius.std().item():.4f}")
