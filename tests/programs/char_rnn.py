"""A character model with an LSTM: truncated backpropagation, clipping, and a sampled text."""

import torch
import torch.nn as nn
import torch.nn.functional as F

text = (
    """the wind went over the hill and the hill went on. the rain came down to the river
and the river ran on to the sea. the sea gave the rain to the wind again, and again. """
    * 2
)
chars = sorted(set(text))
stoi = {ch: i for i, ch in enumerate(chars)}
itos = dict(enumerate(chars))
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)
vocab_size = len(chars)
print(f"data has {len(data)} characters, {vocab_size} unique")

torch.manual_seed(1337)
hidden_size, seq_len, batch_size = 32, 20, 4


class CharRNN(nn.Module):
    def __init__(self, vocab_size, hidden_size, num_layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, 16)
        self.rnn = nn.LSTM(16, hidden_size, num_layers, batch_first=True, dropout=0.1)
        self.decoder = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, state=None):
        output, state = self.rnn(self.embedding(x), state)
        return self.decoder(output), tuple(s.detach() for s in state)


@torch.no_grad()
def sample(model, start, length, temperature=0.8):
    model.eval()
    state, x, out = None, torch.tensor([[stoi[start]]]), [start]
    for _ in range(length):
        logits, state = model(x, state)
        probs = F.softmax(logits[:, -1] / temperature, dim=-1)
        x = torch.multinomial(probs, num_samples=1)
        out.append(itos[x.item()])
    model.train()
    return "".join(out)


model = CharRNN(vocab_size, hidden_size)
print(sum(p.numel() for p in model.parameters() if p.requires_grad), "parameters")
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.005, alpha=0.95)
length = (len(data) - 1) // batch_size
inputs = data[: length * batch_size].view(batch_size, length)
targets = data[1 : length * batch_size + 1].view(batch_size, length)

for epoch in range(8):
    state, total, count = None, 0.0, 0
    for i in range(0, length - seq_len + 1, seq_len):
        optimizer.zero_grad()
        logits, state = model(inputs[:, i : i + seq_len], state)
        y = targets[:, i : i + seq_len].reshape(-1)
        loss = F.cross_entropy(logits.view(-1, vocab_size), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        total, count = total + loss.item(), count + 1
    print(f"epoch {epoch}: loss {total / count:.4f}, gradient norm {norm:.4f}")
print(repr(sample(model, "t", 40)))
