"""A small ResNet with BatchNorm, fed by a DataLoader with workers; checkpoint and evaluation."""

import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Textures(Dataset):
    """Pictures drawn when they are asked for, in the workers; flips are drawn there as well."""

    def __init__(self, count, augment):
        self.count, self.augment = count, augment

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        label = index % 4
        phase = (index * 37 % 100) / 100
        line = torch.sin(torch.arange(12.0) * (0.5 + 0.4 * label) + 6 * phase)
        image = torch.stack([line.outer(line), line.repeat(12, 1), line.repeat(12, 1).T])
        if self.augment:
            if torch.rand(1) < 0.5:
                image = image.flip(-1)
            image = image + 0.1 * torch.randn(3, 12, 12)
        return image, label


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super(BasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=4):
        super(ResNet, self).__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(block, 8, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 16, num_blocks[1], stride=2)
        self.linear = nn.Linear(16 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for stride in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer2(self.layer1(out))
        out = F.avg_pool2d(out, 6)
        return self.linear(out.view(out.size(0), -1))


def main():
    torch.manual_seed(99)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trainloader = DataLoader(Textures(96, True), batch_size=24, shuffle=True, num_workers=2)
    testloader = DataLoader(Textures(32, False), batch_size=16, num_workers=1)
    net = ResNet(BasicBlock, [1, 1]).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 2], gamma=0.1)
    best = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ckpt.pth")
        for epoch in range(2):
            net.train()
            for batch_idx, (inputs, targets) in enumerate(trainloader):
                inputs, targets = inputs.to(device), targets.to(device)
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                print("Epoch: %d | %d | Loss: %.4f" % (epoch, batch_idx, loss.item()))
            net.eval()
            correct, total = 0, 0
            with torch.no_grad():
                for inputs, targets in testloader:
                    _, predicted = net(inputs).max(1)
                    total += targets.size(0)
                    correct += predicted.eq(targets).sum().item()
            scheduler.step()
            print("Acc: %.3f%% (%d/%d)" % (100.0 * correct / total, correct, total))
            if correct >= best:
                state = {"net": net.state_dict(), "acc": correct, "epoch": epoch}
                torch.save(state, path)
                best = correct
        checkpoint = torch.load(path, map_location=device)
    print(checkpoint["epoch"], checkpoint["acc"], len(checkpoint["net"]))
    print(checkpoint["net"]["bn1.running_mean"][:4], checkpoint["net"]["bn1.num_batches_tracked"])


if __name__ == "__main__":
    main()
