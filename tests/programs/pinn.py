"""A physics-informed network for u'' = -sin(x) and for Burgers' equation, trained by L-BFGS."""

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import grad

torch.manual_seed(1234)
np.random.seed(1234)


class MLP(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.activation = nn.Tanh()
        self.linears = nn.ModuleList(
            [nn.Linear(layers[i], layers[i + 1]) for i in range(len(layers) - 1)]
        )
        for linear in self.linears:
            nn.init.xavier_normal_(linear.weight.data, gain=1.0)
            nn.init.zeros_(linear.bias.data)

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = self.activation(linear(x))
        return self.linears[-1](x)


# Poisson, by Adam.

net = MLP([1, 16, 16, 1])
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
x = torch.linspace(0, np.pi, 32).view(-1, 1).requires_grad_(True)
edge = torch.tensor([[0.0], [np.pi]])
for epoch in range(61):
    u = net(x)
    u_x = grad(u, x, grad_outputs=torch.ones_like(u), create_graph=True)[0]
    u_xx = grad(u_x, x, torch.ones_like(u_x), create_graph=True)[0]
    loss = ((u_xx + torch.sin(x)) ** 2).mean() + (net(edge) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        error = (u - torch.sin(x)).abs().max().detach().numpy()
        print("Epoch: {}, loss {:.5f}, error {:.5f}".format(epoch, loss.item(), error))

# Burgers, by L-BFGS.

N_u, N_f = 20, 60
points = np.random.uniform([-1, 0], [1, 1], (N_f, 2))
X_f = torch.tensor(points, requires_grad=True).float()
x_0 = np.linspace(-1, 1, N_u)[:, None]
X_u = torch.from_numpy(np.hstack([x_0, 0 * x_0])).float()
U = torch.from_numpy(-np.sin(np.pi * x_0)).float()
net = MLP([2, 12, 12, 1])
optimizer = torch.optim.LBFGS(
    net.parameters(), lr=0.5, max_iter=12, history_size=10, line_search_fn="strong_wolfe"
)
calls = 0


def closure():
    global calls
    optimizer.zero_grad()
    u = net(X_f)
    first = grad(u.sum(), X_f, create_graph=True)[0]
    u_x, u_t = first[:, 0:1], first[:, 1:2]
    u_xx = grad(u_x.sum(), X_f, create_graph=True)[0][:, 0:1]
    residual = u_t + u * u_x - (0.01 / np.pi) * u_xx
    loss_u = torch.mean((net(X_u) - U) ** 2)
    loss = loss_u + torch.mean(residual**2)
    loss.backward()
    calls += 1
    if calls % 5 == 1:
        print("Iter %d, Loss: %.5e, Loss_u: %.5e" % (calls, loss.item(), loss_u.item()))
    return loss


optimizer.step(closure)
print(net(torch.tensor([[0.5, 0.0], [-0.5, 0.0]])).data.numpy())
