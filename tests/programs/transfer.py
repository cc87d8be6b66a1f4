"""Transfer learning: a network is trained on one task, frozen, and given a new head for another."""

import copy
import io

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(31)


def make(classes, count=240):
    centres = torch.randn(classes, 20)
    labels = torch.arange(count) % classes
    return TensorDataset(centres[labels] + 0.7 * torch.randn(count, 20), labels)


def train_model(model, dataloaders, criterion, optimizer, scheduler, num_epochs=3):
    best_model_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(num_epochs):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            if phase == "train":
                scheduler.step()
            size = len(dataloaders[phase].dataset)
            epoch_loss, epoch_acc = running_loss / size, running_corrects.double() / size
            print(f"{epoch} {phase} Loss: {epoch_loss:.4f} Acc: {epoch_acc:.4f}")
            if phase == "val" and epoch_acc > best_acc:
                best_acc = epoch_acc
                best_model_wts = copy.deepcopy(model.state_dict())
    model.load_state_dict(best_model_wts)
    return model


def loaders(data):
    parts = {"train": Subset(data, range(180)), "val": Subset(data, range(180, 240))}
    return {p: DataLoader(parts[p], batch_size=30, shuffle=p == "train") for p in parts}


model = nn.Sequential()
model.add_module(
    "backbone",
    nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU()),
)
model.add_module("fc", nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
train_model(model, loaders(make(4)), nn.CrossEntropyLoss(), optimizer, scheduler)

buffer = io.BytesIO()
torch.save(model.backbone.state_dict(), buffer)
buffer.seek(0)
new = nn.Sequential()
new.add_module("backbone", copy.deepcopy(model.backbone))
new.backbone.load_state_dict(torch.load(buffer, weights_only=True))
for param in new.parameters():
    param.requires_grad = False
num_ftrs = model.fc.in_features
new.fc = nn.Linear(num_ftrs, 3)
print([name for name, p in new.named_parameters() if p.requires_grad])
before = [p.clone() for p in new.backbone.parameters()]
data = loaders(make(3))
optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, new.parameters()), lr=0.02)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
train_model(new, data, nn.CrossEntropyLoss(), optimizer, scheduler)
print(all(torch.equal(a, b) for a, b in zip(before, new.backbone.parameters())))

new.requires_grad_(True)
optimizer = torch.optim.SGD(
    [{"params": new.backbone.parameters(), "lr": 1e-3}, {"params": new.fc.parameters()}], lr=1e-2
)
features = {}
handle = new.backbone.register_forward_hook(lambda m, i, o: features.update(out=o.detach()))
scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
train_model(new, data, nn.CrossEntropyLoss(), optimizer, scheduler, 1)
handle.remove()
print(features["out"].shape, round(features["out"].mean().item(), 5))
