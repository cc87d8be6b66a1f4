"""REINFORCE with a learned baseline on a cart that is to be held at the origin.

Actions are drawn by torch.multinomial, with and without replacement.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(543)
eps = 1e-8


class Cart:
    """A place and a speed; an action pushes to the left, to the right, or not at all."""

    def reset(self):
        self.state = torch.empty(2).uniform_(-1, 1)
        return self.state

    def step(self, action):
        x, v = self.state.tolist()
        v = 0.9 * v + 0.2 * (action - 1)
        self.state = torch.tensor([x + 0.5 * v, v])
        return self.state, -abs(x)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(2, 24)
        self.action_head = nn.Linear(24, 3)
        self.value_head = nn.Linear(24, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.elu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = Policy()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)


def select_action(state, replacement):
    probs, value = model(state)
    action = torch.multinomial(probs, 1, replacement=replacement)
    log_probs = torch.log(probs + eps)
    entropy = -(probs * log_probs).sum()
    model.saved_actions.append((log_probs.gather(0, action).squeeze(), value, entropy))
    return action.item()


def finish_episode():
    R, returns = 0.0, []
    for r in model.rewards[::-1]:
        R = r + 0.9 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_losses, value_losses = [], []
    for (log_prob, value, entropy), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage - 0.01 * entropy)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return loss


env = Cart()
running = 0
for i_episode in range(24):
    state, total, actions = env.reset(), 0, []
    for t in range(20):
        action = select_action(state, replacement=i_episode % 2 == 0)
        state, reward = env.step(action)
        model.rewards.append(reward)
        actions.append(action)
        total += reward
    running = 0.05 * total + 0.95 * running
    loss = finish_episode()
    if i_episode % 4 == 3:
        print(f"Episode {i_episode}\tLast reward: {total:.3f}\tAverage: {running:.3f}")
        print("".join(map(str, actions)), f"{loss:.4f}")
