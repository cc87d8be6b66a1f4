"""A graph convolutional network by dense matrices, and graph attention, on a two-club graph."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter

torch.manual_seed(42)


class GraphConvolution(Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.matmul(adj, support)
        return output + self.bias if self.bias is not None else output

    def __repr__(self):
        return f"{self.__class__.__name__} ({self.in_features} -> {self.out_features})"


class GraphAttention(nn.Module):
    def __init__(self, in_features, out_features, alpha=0.2):
        super().__init__()
        self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2 * out_features, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)
        self.out_features = out_features

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        left = torch.matmul(Wh, self.a[: self.out_features, :])
        right = torch.matmul(Wh, self.a[self.out_features :, :])
        e = self.leakyrelu(left + right.T)
        zero_vec = -9e15 * torch.ones_like(e)
        attention = F.softmax(torch.where(adj > 0, e, zero_vec), dim=1)
        attention = F.dropout(attention, 0.3, training=self.training)
        return torch.matmul(attention, Wh)


class Net(nn.Module):
    def __init__(self, layer, nfeat, nhid, nclass, dropout=0.4):
        super().__init__()
        self.gc1 = layer(nfeat, nhid)
        self.gc2 = layer(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.elu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


nodes = 40
labels = (torch.arange(nodes) >= nodes // 2).long()
chance = torch.where(labels[:, None] == labels[None], 0.3, 0.04)
adj = torch.bernoulli(torch.triu(chance, diagonal=1))
adj = adj + adj.t() + torch.eye(nodes)
print("edges", int((adj.sum() - nodes) / 2), "degrees", adj.sum(1).mean().item())
degree = adj.sum(1).pow(-0.5)
degree[torch.isinf(degree)] = 0.0
norm_adj = torch.diag(degree).mm(adj).mm(torch.diag(degree))
features = F.one_hot(torch.arange(nodes) % 8).float() + 0.1 * torch.randn(nodes, 8)
idx_train = torch.LongTensor([0, 5, 11, 20, 25, 31])
idx_test = torch.tensor([i for i in range(nodes) if i not in idx_train.tolist()])

for layer, matrix in ((GraphConvolution, norm_adj), (GraphAttention, adj)):
    model = Net(layer, 8, 12, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
    for epoch in range(30):
        model.train()
        optimizer.zero_grad()
        output = model(features, matrix)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        if epoch % 10 == 9:
            model.eval()
            output = model(features, matrix)
            preds = output[idx_test].max(1)[1].type_as(labels)
            correct = preds.eq(labels[idx_test]).double().sum() / len(idx_test)
            print(
                "Epoch: {:04d}".format(epoch + 1),
                "loss_train: {:.4f}".format(loss_train.item()),
                "acc_test: {:.4f}".format(correct.item()),
            )
print(GraphConvolution(8, 2))
