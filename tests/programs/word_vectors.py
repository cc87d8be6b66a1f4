"""Word vectors: skip-gram with negative sampling, unigram^0.75 negatives drawn by multinomial."""

from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
corpus = """king rules the land and queen rules the land . man walks the road and woman walks the road .
the king is a man and the queen is a woman . dog and cat walk the road and dog and cat eat the bread .
man and woman eat the bread of the land . king and queen eat the bread of the king""".split()

counts = Counter(corpus)
vocab = [word for word, _ in counts.most_common()]
word2idx = {w: i for i, w in enumerate(vocab)}
freqs = torch.tensor([counts[w] for w in vocab], dtype=torch.float)
unigram = freqs.pow(0.75) / freqs.pow(0.75).sum()
print(len(vocab), vocab[:3], unigram[:3])

pairs = []
window = 2
for i, word in enumerate(corpus):
    for j in range(max(0, i - window), min(len(corpus), i + window + 1)):
        if i != j:
            pairs.append((word2idx[word], word2idx[corpus[j]]))
pairs = torch.LongTensor(pairs)


class SkipGram(nn.Module):
    def __init__(self, vocab_size, embed_dim):
        super().__init__()
        self.center = nn.Embedding(vocab_size, embed_dim)
        self.context = nn.Embedding(vocab_size, embed_dim)
        nn.init.uniform_(self.center.weight, -0.5 / embed_dim, 0.5 / embed_dim)
        nn.init.constant_(self.context.weight, 0)

    def forward(self, center, positive, negative):
        v = self.center(center)
        score = torch.sum(v * self.context(positive), dim=1).clamp(min=-10, max=10)
        pos = -F.logsigmoid(score)
        score = torch.bmm(self.context(negative), v.unsqueeze(2)).squeeze()
        neg = -torch.sum(F.logsigmoid(-score.clamp(-10, 10)), dim=1)
        return torch.mean(pos + neg)


model = SkipGram(len(vocab), 12)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2)
for epoch in range(6):
    order = torch.randperm(len(pairs))
    total = 0.0
    for batch in order.split(32):
        center, positive = pairs[batch].unbind(1)
        negative = torch.multinomial(unigram, len(batch) * 5, replacement=True).view(-1, 5)
        loss = model(center, positive, negative)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    print(f"Epoch: {epoch + 1}, loss: {total / len(pairs):.5f}")

vectors = model.center.weight.detach()
for word in ["king", "man", "dog"]:
    similarity = F.cosine_similarity(vectors[word2idx[word]].unsqueeze(0), vectors)
    values, indices = similarity.topk(4)
    print(word, [f"{vocab[i]} {v:.4f}" for i, v in zip(indices.tolist()[1:], values.tolist()[1:])])
