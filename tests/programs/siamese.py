"""A siamese network with shared weights, trained by contrastive and triplet losses on curves."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(5)
KINDS = 4


class PairDataset(Dataset):
    def __init__(self, count):
        time = torch.linspace(0, 6.28, 32)
        self.labels = torch.arange(count) % KINDS
        phase = torch.rand(count, 1)
        self.curves = torch.sin((1 + self.labels[:, None]) * time + phase) + 0.2 * torch.randn(
            count, 32
        )
        self.partners = torch.randperm(count)

    def __getitem__(self, i):
        j = self.partners[i]
        same = (self.labels[i] == self.labels[j]).float()
        return self.curves[i][None], self.curves[j][None], same

    def __len__(self):
        return len(self.labels)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.cnn = nn.Sequential(
            nn.Conv1d(1, 8, 5, stride=2),
            nn.PReLU(),
            nn.BatchNorm1d(8),
            nn.Conv1d(8, 8, 3),
            nn.PReLU(8),
            nn.AdaptiveAvgPool1d(4),
        )
        self.fc = nn.Sequential(nn.Linear(32, 16), nn.ReLU(inplace=True), nn.Linear(16, 4))

    def forward_once(self, x):
        output = self.cnn(x)
        return self.fc(output.view(output.size()[0], -1))

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, same):
        distance = F.pairwise_distance(output1, output2)
        apart = torch.clamp(self.margin - distance, min=0.0)
        return torch.mean(same * distance.pow(2) + (1 - same) * apart.pow(2))


net = SiameseNetwork()
loader = DataLoader(PairDataset(128), batch_size=32, shuffle=True, drop_last=True)
criterion = ContrastiveLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
scheduler = ExponentialLR(optimizer, 0.8)
for epoch in range(5):
    for img0, img1, same in loader:
        optimizer.zero_grad()
        loss = criterion(*net(img0, img1), same)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print("Epoch {} loss {:.5f} lr {:.4f}".format(epoch, loss.item(), scheduler.get_last_lr()[0]))

triplet = nn.TripletMarginLoss(margin=1.0)
data = loader.dataset
for step in range(5):
    anchor, positive, negative = data.curves[0::4], data.curves[4::4], data.curves[1::4]
    out = [net.forward_once(x[:31].unsqueeze(1)) for x in (anchor, positive, negative)]
    loss = triplet(*out)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("Triplet {} loss {:.5f}".format(step, loss.item()))

net.eval()
with torch.no_grad():
    codes = net.forward_once(data.curves.unsqueeze(1))
    centres = torch.stack([codes[data.labels == k].mean(0) for k in range(KINDS)])
    print(torch.cdist(centres, centres))
    print((torch.cdist(codes, centres).argmin(1) == data.labels).float().mean().item())
