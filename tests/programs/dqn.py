"""A deep Q-network that walks along a corridor: replay memory, target network, epsilon-greedy."""

import copy
import math
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
random.seed(2)
torch.manual_seed(2)


class Corridor:
    """The walker starts in the middle of 9 places; the right end pays 1, the left end 0.1."""

    def reset(self):
        self.place = 4
        return self.state()

    def state(self):
        return [self.place / 4 - 1, math.sin(self.place), math.cos(self.place)]

    def step(self, action):
        self.place += 1 if action == 1 else -1
        done = self.place in (0, 8)
        return self.state(), {0: 0.1, 8: 1.0}.get(self.place, -0.01), done


class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 32)
        self.layer2 = nn.Linear(32, 32)
        self.layer3 = nn.Linear(32, n_actions)

    def forward(self, x):
        return self.layer3(F.relu(self.layer2(F.relu(self.layer1(x)))))


BATCH_SIZE, GAMMA, TAU = 24, 0.95, 0.05
policy_net = DQN(3, 2).to(device)
target_net = copy.deepcopy(policy_net)
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=3e-3, amsgrad=True)
memory = ReplayMemory(400)
steps_done = 0


def select_action(state):
    global steps_done
    threshold = 0.1 + 0.8 * math.exp(-steps_done / 60)
    steps_done += 1
    if random.random() > threshold:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]], device=device, dtype=torch.long)


def optimize_model():
    if len(memory) < BATCH_SIZE:
        return 0.0
    batch = Transition(*zip(*memory.sample(BATCH_SIZE)))
    non_final_mask = torch.tensor(
        tuple(map(lambda s: s is not None, batch.next_state)), device=device, dtype=torch.bool
    )
    non_final = torch.cat([s for s in batch.next_state if s is not None])
    state_batch, action_batch = torch.cat(batch.state), torch.cat(batch.action)
    values = policy_net(state_batch).gather(1, action_batch)
    next_values = torch.zeros(BATCH_SIZE, device=device)
    with torch.no_grad():
        next_values[non_final_mask] = target_net(non_final).max(1).values
    expected = (next_values * GAMMA) + torch.cat(batch.reward)
    loss = nn.SmoothL1Loss()(values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    return loss.item()


env = Corridor()
for episode in range(18):
    state = torch.tensor(env.reset(), dtype=torch.float32, device=device).unsqueeze(0)
    total, loss = 0.0, 0.0
    for t in range(40):
        action = select_action(state)
        observation, reward, done = env.step(action.item())
        total += reward
        next_state = None if done else torch.tensor(observation, device=device).unsqueeze(0)
        memory.push(state, action, next_state, torch.tensor([reward], device=device))
        state = next_state
        loss = optimize_model()
        target_dict, policy_dict = target_net.state_dict(), policy_net.state_dict()
        for key in policy_dict:
            target_dict[key] = policy_dict[key] * TAU + target_dict[key] * (1 - TAU)
        target_net.load_state_dict(target_dict)
        if done:
            break
    if episode % 3 == 2:
        print(f"episode {episode}: {t + 1} steps, reward {total:.2f}, loss {loss:.6f}")
