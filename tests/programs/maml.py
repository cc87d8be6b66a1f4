"""Model-agnostic meta-learning on sine waves: second-order gradients, with functional_call too."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, vmap

torch.manual_seed(0)
inner_lr, K = 0.05, 10


def task():
    amplitude = torch.empty(1).uniform_(0.5, 2.0)
    phase = torch.empty(1).uniform_(0, math.pi)

    def sample(k):
        x = torch.rand(k, 1) * 10 - 5
        return x, amplitude * torch.sin(x + phase)

    return sample


def net(x, params):
    x = F.linear(x, params[0], params[1])
    x = F.relu(x)
    x = F.linear(x, params[2], params[3])
    x = F.relu(x)
    return F.linear(x, params[4], params[5])


params = [
    torch.empty(24, 1).uniform_(-1.0, 1.0).requires_grad_(),
    torch.empty(24).uniform_(-1.0, 1.0).requires_grad_(),
    torch.empty(24, 24).uniform_(-1.0 / math.sqrt(24), 1.0 / math.sqrt(24)).requires_grad_(),
    torch.zeros(24).requires_grad_(),
    torch.empty(1, 24).uniform_(-1.0 / math.sqrt(24), 1.0 / math.sqrt(24)).requires_grad_(),
    torch.zeros(1).requires_grad_(),
]
opt = torch.optim.Adam(params, lr=1e-2)
for it in range(16):
    loss2 = 0.0
    opt.zero_grad()
    for _ in range(4):
        sample = task()
        x, y = sample(K)
        loss1 = F.mse_loss(net(x, params), y)
        grads = torch.autograd.grad(loss1, params, create_graph=True)
        new_params = [(params[i] - inner_lr * grads[i]) for i in range(len(params))]
        x, y = sample(K)
        loss2 = loss2 + F.mse_loss(net(x, new_params), y)
    loss2 = loss2 / 4
    loss2.backward()
    opt.step()
    if it % 5 == 0:
        print("Iteration %d -- Outer Loss: %.4f" % (it, loss2))

# The same by transforms of functions: all tasks at once.
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
weights = {
    name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()
}
optimizer = torch.optim.SGD(weights.values(), lr=0.1)


def loss_of(weights, x, y):
    return F.mse_loss(functional_call(model, weights, (x,)), y)


def after_adapting(weights, x1, y1, x2, y2):
    slopes = grad(loss_of)(weights, x1, y1)
    adapted = {name: weights[name] - inner_lr * slopes[name] for name in weights}
    return loss_of(adapted, x2, y2)


for it in range(5):
    samples = [task() for _ in range(4)]
    support = [s(K) for s in samples]
    query = [s(K) for s in samples]
    x1, y1 = (torch.stack(v) for v in zip(*support))
    x2, y2 = (torch.stack(v) for v in zip(*query))
    losses = vmap(after_adapting, in_dims=(None, 0, 0, 0, 0))(weights, x1, y1, x2, y2)
    optimizer.zero_grad()
    losses.mean().backward()
    optimizer.step()
    print("vmap", it, " ".join(f"{loss:.4f}" for loss in losses))
