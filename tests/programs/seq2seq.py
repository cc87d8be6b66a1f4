"""A sequence-to-sequence model with Bahdanau attention that learns to reverse numbers."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

SOS_token, EOS_token, MAX_LENGTH = 0, 1, 6
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
random.seed(4)
torch.manual_seed(4)


def make_pair():
    source = [random.randint(2, 9) for _ in range(MAX_LENGTH - 1)]
    return source + [EOS_token], source[::-1] + [EOS_token]


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.1):
        super(EncoderRNN, self).__init__()
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, input):
        return self.gru(self.dropout(self.embedding(input)))


class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super(BahdanauAttention, self).__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        weights = F.softmax(scores.squeeze(2).unsqueeze(1), dim=-1)
        return torch.bmm(weights, keys), weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, dropout_p=0.1):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, encoder_outputs, hidden, target_tensor=None):
        batch_size = encoder_outputs.size(0)
        x = torch.empty(batch_size, 1, dtype=torch.long, device=device).fill_(SOS_token)
        outputs, attentions = [], []
        for i in range(MAX_LENGTH):
            embedded = self.dropout(self.embedding(x))
            context, weights = self.attention(hidden.permute(1, 0, 2), encoder_outputs)
            output, hidden = self.gru(torch.cat((embedded, context), dim=2), hidden)
            output = self.out(output)
            outputs.append(output)
            attentions.append(weights)
            if target_tensor is not None:
                x = target_tensor[:, i].unsqueeze(1)
            else:
                _, topi = output.topk(1)
                x = topi.squeeze(-1).detach()
        outputs = F.log_softmax(torch.cat(outputs, dim=1), dim=-1)
        return outputs, hidden, torch.cat(attentions, dim=1)


encoder = EncoderRNN(10, 24).to(device)
decoder = AttnDecoderRNN(24, 10).to(device)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.01)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.01)
criterion = nn.NLLLoss()

for step in range(1, 41):
    pairs = [make_pair() for _ in range(16)]
    source = torch.tensor([s for s, _ in pairs], device=device)
    target = torch.LongTensor([t for _, t in pairs]).to(device)
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    encoder_outputs, encoder_hidden = encoder(source)
    decoder_outputs, _, _ = decoder(encoder_outputs, encoder_hidden, target)
    loss = criterion(decoder_outputs.view(-1, decoder_outputs.size(-1)), target.view(-1))
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    if step % 8 == 0:
        print("%d (%d%%) %.4f" % (step, step / 40 * 100, loss.item()))

encoder.eval()
decoder.eval()
with torch.no_grad():
    source = torch.tensor([make_pair()[0]])
    outputs, _, attention = decoder(*encoder(source))
    print(source.tolist(), outputs.argmax(-1).tolist())
    for row in attention[0]:
        print(" ".join("%.4f" % value for value in row))
