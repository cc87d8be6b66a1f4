"""A small convolutional network on drawn digits-like shapes, as in PyTorch's MNIST example.

Dataset and DataLoader, Conv2d, MaxPool2d, ReLU(inplace), Dropout, StepLR; its state_dict is saved,
loaded into a second network, and tested again.
"""

import argparse
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Images of 16 x 16 pixels with a bar, a box or a cross, and noise."""

    def __init__(self, count, transform=None):
        self.labels = torch.randint(0, 3, (count,))
        self.images = torch.rand(count, 1, 16, 16) * 0.3
        for image, label in zip(self.images, self.labels):
            row, column = torch.randint(2, 9, (2,)).tolist()
            if label == 0:
                image[0, row, 2:14] += 0.7
            elif label == 1:
                image[0, row : row + 5, column : column + 5] += 0.7
            else:
                image[0, row + 2, column : column + 5] += 0.7
                image[0, row : row + 5, column + 2] += 0.7
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image, label = self.images[index], self.labels[index].item()
        if self.transform:
            image = self.transform(image)
        return image, label


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 16, 3, 1),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
        )
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(144, 32)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(self.dropout(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch,
                    batch_idx * len(data),
                    len(train_loader.dataset),
                    100.0 * batch_idx / len(train_loader),
                    loss.item(),
                )
            )


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    print(
        f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(test_loader.dataset)}"
    )


def main():
    parser = argparse.ArgumentParser(description="Shapes")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--log-interval", type=int, default=4)
    args = parser.parse_args()
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = lambda image: (image - 0.2) / 0.3
    train_loader = DataLoader(Shapes(256, scale), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(Shapes(96, scale), batch_size=64)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "shapes.pt")
        torch.save(model.state_dict(), path)
        again = Net()
        print(again.load_state_dict(torch.load(path)))
    test(again, device, test_loader)


if __name__ == "__main__":
    main()
