"""A masked language model with nn.TransformerEncoder on sequences of a small grammar."""

import math

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn import TransformerEncoder, TransformerEncoderLayer
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

PAD, MASK, FIRST, VOCAB = 0, 1, 2, 14


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 64):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + self.pe[:, : x.size(1)])


class MaskedModel(nn.Module):
    def __init__(self, d_model: int = 32, nhead: int = 4, nlayers: int = 2):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, d_model, padding_idx=PAD)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = TransformerEncoderLayer(
            d_model, nhead, dim_feedforward=64, dropout=0.1, activation="gelu", batch_first=True
        )
        self.encoder = TransformerEncoder(layer, nlayers, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.Linear(d_model, d_model), nn.GELU(), nn.LayerNorm(d_model))
        self.decoder = nn.Linear(d_model, VOCAB)
        self.d_model = d_model

    def forward(self, src: Tensor) -> Tensor:
        x = self.pos_encoder(self.embedding(src) * math.sqrt(self.d_model))
        x = self.encoder(x, src_key_padding_mask=src == PAD)
        return self.decoder(self.head(x))


def sentence():
    length = int(torch.randint(6, 13, ()))
    start, stride = torch.randint(0, 12, (2,)).tolist()
    return torch.tensor([FIRST + (start + stride * i) % 12 for i in range(length)])


def collate(batch):
    tokens = pad_sequence(batch, batch_first=True, padding_value=PAD)
    labels = tokens.clone()
    chosen = torch.bernoulli(torch.full(labels.shape, 0.2)).bool() & (tokens != PAD)
    labels[~chosen] = -100
    replaced = torch.bernoulli(torch.full(labels.shape, 0.8)).bool() & chosen
    tokens[replaced] = MASK
    other = torch.bernoulli(torch.full(labels.shape, 0.5)).bool() & chosen & ~replaced
    words = torch.randint(FIRST, VOCAB, labels.shape, dtype=torch.long)
    tokens[other] = words[other]
    return tokens, labels


torch.manual_seed(21)
loader = DataLoader([sentence() for _ in range(160)], 32, shuffle=True, collate_fn=collate)
model = MaskedModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 8))
print(sum(p.numel() for p in model.parameters()), "parameters")
for epoch in range(4):
    model.train()
    total = 0.0
    for tokens, labels in loader:
        output = model(tokens)
        loss = criterion(output.transpose(1, 2), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    mean = total / len(loader)
    print(f"| epoch {epoch:3d} | loss {mean:.4f} | ppl {math.exp(mean):8.3f}")

model.eval()
with torch.no_grad():
    tokens = torch.tensor([[2, 3, 4, MASK, 6, 7, PAD, PAD]])
    values, indices = model(tokens)[0, 3].topk(3)
    print(indices.tolist(), values)
