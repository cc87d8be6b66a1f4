"""A program in the style of PyTorch 0.3: Variable, xavier_normal, clip_grad_norm."""

from __future__ import print_function

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
import torch.optim as optim
from torch.autograd import Variable

torch.manual_seed(1)
use_cuda = torch.cuda.is_available()
if use_cuda:
    torch.cuda.manual_seed(1)


class LSTMTagger(nn.Module):
    def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
        super(LSTMTagger, self).__init__()
        self.hidden_dim = hidden_dim
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim)
        self.hidden2tag = nn.Linear(hidden_dim, tagset_size)
        init.xavier_normal(self.hidden2tag.weight)
        init.constant(self.hidden2tag.bias, 0)
        self.hidden = self.init_hidden()

    def init_hidden(self):
        return (
            Variable(torch.zeros(1, 1, self.hidden_dim)),
            Variable(torch.zeros(1, 1, self.hidden_dim)),
        )

    def forward(self, sentence):
        embeds = self.word_embeddings(sentence)
        lstm_out, self.hidden = self.lstm(embeds.view(len(sentence), 1, -1), self.hidden)
        tag_space = self.hidden2tag(lstm_out.view(len(sentence), -1))
        return F.log_softmax(tag_space, dim=1)


def prepare_sequence(seq, to_ix):
    return Variable(torch.LongTensor([to_ix[w] for w in seq]))


training_data = [
    ("The dog ate the apple".split(), ["DET", "NN", "V", "DET", "NN"]),
    ("Everybody read that book".split(), ["NN", "V", "DET", "NN"]),
]
word_to_ix = {}
for sent, tags in training_data:
    for word in sent:
        word_to_ix.setdefault(word, len(word_to_ix))
tag_to_ix = {"DET": 0, "NN": 1, "V": 2}

model = LSTMTagger(6, 6, len(word_to_ix), len(tag_to_ix))
if use_cuda:
    model.cuda()
loss_function = nn.NLLLoss(size_average=True)
optimizer = optim.SGD(model.parameters(), lr=0.1)
for epoch in range(30):
    for sentence, tags in training_data:
        model.zero_grad()
        model.hidden = model.init_hidden()
        tag_scores = model(prepare_sequence(sentence, word_to_ix))
        loss = loss_function(tag_scores, prepare_sequence(tags, tag_to_ix))
        loss.backward()
        torch.nn.utils.clip_grad_norm(model.parameters(), 0.5)
        optimizer.step()
    if epoch % 10 == 9:
        print("Epoch %d, loss %.6f" % (epoch, loss.data.item()))
print(model(prepare_sequence(training_data[0][0], word_to_ix)).data)

# A perceptron by hand.
dtype = torch.FloatTensor
x = Variable(torch.randn(32, 20).type(dtype), requires_grad=False)
y = Variable(torch.randn(32, 4).type(dtype), requires_grad=False)
w1 = Variable(torch.randn(20, 16).type(dtype), requires_grad=True)
w2 = Variable(torch.randn(16, 4).type(dtype), requires_grad=True)
for t in range(40):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    if t % 10 == 0:
        print(t, round(loss.data.item(), 3))
    loss.backward()
    w1.data -= 1e-4 * w1.grad.data
    w2.data -= 1e-4 * w2.grad.data
    w1.grad.data.zero_()
    w2.grad.data.zero_()
weights = torch.Tensor(2, 3).fill_(0.5)
print(weights.expand_as(torch.Tensor(2, 3)).sum(), torch.range(1, 3), type(weights.tolist()))
