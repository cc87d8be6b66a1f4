"""A neural ordinary differential equation: Runge-Kutta, and gradients by the adjoint method."""

import torch
import torch.nn as nn
from torch.autograd import Function

torch.manual_seed(0)


def rk4_step(func, t, dt, y):
    k1 = func(t, y)
    k2 = func(t + dt / 3, y + dt * k1 / 3)
    k3 = func(t + dt * 2 / 3, y + dt * (k2 - k1 / 3))
    k4 = func(t + dt, y + dt * (k1 - k2 + k3))
    return y + (k1 + 3 * (k2 + k3) + k4) * dt * 0.125


def odeint(func, y0, t):
    y, ys = y0, [y0]
    for t0, t1 in zip(t[:-1], t[1:]):
        y = rk4_step(func, t0, t1 - t0, y)
        ys.append(y)
    return torch.stack(ys)


class OdeintAdjoint(Function):
    @staticmethod
    def forward(ctx, func, y0, t, *params):
        ctx.func = func
        with torch.no_grad():
            y = odeint(func, y0, t)
        ctx.save_for_backward(t, y, *params)
        return y

    @staticmethod
    def backward(ctx, grad_y):
        func = ctx.func
        t, y, *params = ctx.saved_tensors
        state = [grad_y[-1], *[torch.zeros_like(p) for p in params]]
        for i in range(len(t) - 1, 0, -1):
            h, now = t[i - 1] - t[i], y[i]

            def dynamics(yi, a):
                with torch.enable_grad():
                    yi = yi.detach().requires_grad_(True)
                    f = func(t[i], yi)
                    vjp = torch.autograd.grad(f, (yi, *params), -a, allow_unused=True)
                zeros = [torch.zeros_like(p) for p in params]
                return f.detach(), [v if v is not None else z for v, z in zip(vjp, [0, *zeros])]

            f, slopes = dynamics(now, state[0])
            _, slopes = dynamics(now + h / 2 * f, state[0] + h / 2 * slopes[0])
            state = [s + h * k for s, k in zip(state, slopes)]
            state[0] = state[0] + grad_y[i - 1]
        return None, state[0], None, *state[1:]


class ODEFunc(nn.Module):
    def __init__(self):
        super(ODEFunc, self).__init__()
        self.net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)
        self.nfe = 0

    def forward(self, t, y):
        self.nfe += 1
        return self.net(y**3)


class Lambda(nn.Module):
    def forward(self, t, y):
        return torch.mm(y**3, true_A)


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 4.0, 60)
with torch.no_grad():
    true_y = odeint(Lambda(), torch.tensor([[2.0, 0.0]]), t)
print("true end", true_y[-1])

func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-2)
for itr in range(1, 13):
    s = torch.multinomial(torch.ones(50), 10)
    batch_y0, batch_t = true_y[s], t[:8]
    batch_y = torch.stack([true_y[s + i] for i in range(8)], dim=0)
    optimizer.zero_grad()
    if itr % 2:
        pred_y = odeint(func, batch_y0, batch_t)
    else:
        pred_y = OdeintAdjoint.apply(func, batch_y0, batch_t, *func.parameters())
    loss = torch.mean(torch.abs(pred_y - batch_y))
    loss.backward()
    optimizer.step()
    if itr % 2 == 0:
        print("Iter {:04d} | Total Loss {:.6f} | calls {}".format(itr, loss.item(), func.nfe))

with torch.no_grad():
    pred_y = odeint(func, torch.tensor([[2.0, 0.0]]), t)
    print("end {:.4f}, {:.4f}".format(*pred_y[-1].flatten().tolist()))
