"""What programs on the web wrap around a network: choice of device, mixed precision, compile,
DataParallel, cudnn flags, seeds, meters, and a checkpoint of several parts."""

import argparse
import os
import random
import sys
import tempfile
import warnings

import numpy as np
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.nn.functional as F
from torch.amp import GradScaler, autocast
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="Training with everything around it")
parser.add_argument("--no-cuda", action="store_true", default=False)
parser.add_argument("--no-mps", action="store_true", default=False)
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--resume", default="", type=str, metavar="PATH")
parser.add_argument("--local_rank", default=-1, type=int)
args = parser.parse_args()


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    cudnn.deterministic = True
    cudnn.benchmark = False
    torch.backends.cudnn.enabled = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.set_float32_matmul_precision("high")


def pick_device():
    if not args.no_cuda and torch.cuda.is_available():
        return torch.device("cuda", 0)
    if not args.no_mps and hasattr(torch.backends, "mps") and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


class AverageMeter(object):
    def __init__(self):
        self.sum, self.count = 0, 0

    def update(self, val, n=1):
        self.sum += val * n
        self.count += n

    @property
    def avg(self):
        return self.sum / self.count


def accuracy(output, target, topk=(1,)):
    with torch.no_grad():
        _, pred = output.topk(max(topk), 1, True, True)
        correct = pred.t().eq(target.view(1, -1).expand_as(pred.t()))
        counts = [correct[:k].reshape(-1).float().sum(0, keepdim=True) for k in topk]
        return [count.mul_(100.0 / target.size(0)) for count in counts]


def main():
    set_seed(args.seed)
    device = pick_device()
    use_cuda = device.type == "cuda"
    print("device", device, "gpus", torch.cuda.device_count())
    x = torch.randn(200, 10)
    y = (x @ torch.randn(10, 5)).argmax(1)
    kwargs = {"num_workers": 1, "pin_memory": True} if use_cuda else {}
    loader = DataLoader(
        TensorDataset(x, y),
        batch_size=40,
        shuffle=True,
        generator=torch.Generator().manual_seed(3),
        **kwargs,
    )
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(True), nn.Dropout(p=0.1), nn.Linear(32, 5))
    if torch.cuda.device_count() > 1:
        model = nn.DataParallel(model)
    model = model.to(device, non_blocking=True)
    if args.compile or hasattr(torch, "compile"):
        runner = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scaler = GradScaler("cuda", enabled=use_cuda)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = torch.cuda.amp.GradScaler()
    print("scales", scaler.is_enabled(), old.is_enabled(), scaler.get_scale())
    for epoch in range(args.epochs):
        losses, top1, top3 = AverageMeter(), AverageMeter(), AverageMeter()
        for images, target in loader:
            images = images.to(device, non_blocking=True)
            target = target.to(device)
            with autocast(device_type="cuda", dtype=torch.float16, enabled=use_cuda):
                output = runner(images)
                loss = F.cross_entropy(output, target)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            acc1, acc3 = accuracy(output, target, topk=(1, 3))
            losses.update(loss.item(), images.size(0))
            top1.update(acc1.item(), images.size(0))
            top3.update(acc3[0], images.size(0))
        if use_cuda:
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
        print(
            f"Epoch {epoch}: loss {losses.avg:.4f} top1 {top1.avg:.2f} top3 {top3.avg.item():.2f}"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "checkpoint.pth.tar")
        torch.save(
            {
                "epoch": args.epochs,
                "state_dict": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scaler": scaler.state_dict(),
                "rng": torch.get_rng_state(),
            },
            path,
        )
        drawn = torch.rand(2)
        checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    model.load_state_dict(checkpoint["state_dict"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["rng"])
    print(checkpoint["epoch"], sorted(checkpoint), torch.equal(torch.rand(2), drawn))
    print(
        optimizer.state_dict()["param_groups"][0]["lr"], optimizer.state_dict()["state"][0]["step"]
    )
    module = model.module if hasattr(model, "module") else model
    print(type(module).__name__, getattr(module, "0").weight.data.abs().mean())
    sys.exit(0)


if __name__ == "__main__":
    main()
