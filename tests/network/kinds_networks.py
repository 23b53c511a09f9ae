"""Kinds of modules: small networks of the architectures that users train."""

import torch
from kinds import Kind, normal
from torch import Tensor, nn


class Residual(nn.Module):
    """The basic block of a ResNet, with a projection beside it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.shortcut(x)).relu()


class Inverted(nn.Module):
    """The inverted residual of a MobileNet: expand, depthwise, project."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 3 * channels
        self.body = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(inplace=True),
            nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(),
            nn.Conv2d(wide, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Dense(nn.Module):
    """Layers that see what all earlier ones gave, as in a DenseNet."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(2 + 2 * n, 2, 3, padding=1) for n in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x).relu()], dim=1)
        return x


class UNet(nn.Module):
    """One step down, one step up, and a bridge."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.SiLU())
        self.bottom = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.down(x)
        return self.out(torch.cat([high, self.up(self.bottom(high))], dim=1))


class SqueezeExcite(nn.Module):
    """Channels that are scaled by what a small network makes of their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 6, 3, padding=1)
        self.gate = nn.Sequential(nn.Conv2d(6, 2, 1), nn.ReLU(), nn.Conv2d(2, 6, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * self.gate(x.mean((2, 3), keepdim=True))


class Autoencoder(nn.Module):
    """A code in the middle, and a picture again."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 3, 3, 2, 1), nn.LeakyReLU(), nn.Flatten(), nn.Linear(27, 4))
        self.decoder = nn.Sequential(nn.Linear(4, 27), nn.Unflatten(1, (3, 3, 3)), nn.ConvTranspose2d(3, 1, 4, 2, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        code = self.encoder(x)
        return {"code": code, "picture": self.decoder(code).sigmoid()}


class Experts(nn.Module):
    """A mixture of experts, of which every vector takes the first or the second; nobody takes the third."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleDict({name: nn.Linear(6, 4) for name in ("a", "b", "never")})
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        first = x[:, 0] > 0
        y = x.new_zeros(len(x), 4)
        y[first] = self.experts["a"](x[first])
        y[~first] = self.experts["b"](x[~first])
        return self.head(y)


class EarlyExit(nn.Module):
    """A network that stops where the first head is sure enough, which it always is here."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.later = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        first = self.first(x)
        return first if torch.softmax(first.detach(), 1).max() > 0.4 else self.later(x)


class Siamese(nn.Module):
    """Two inputs through one tower, and their distance."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.tower(a) - self.tower(b)).norm(dim=1)


class Bag(nn.Module):
    """Embedded words, added up, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(12, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.words(words))


def separable() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, 1), nn.ELU(), nn.AvgPool2d(2))


def nested() -> nn.Module:
    body = nn.ModuleDict({"in": nn.Linear(6, 8), "blocks": nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])})
    return nn.Sequential(body["in"], nn.PReLU(), nn.Sequential(*body["blocks"]), nn.Dropout(0.25), nn.Linear(8, 3))


NETWORKS = [
    Kind(
        "mlp-batchnorm",
        lambda: nn.Sequential(nn.Linear(7, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 3)),
        normal(6, 7),
    ),
    Kind("nested-dropout", nested, normal(4, 6)),
    Kind("depthwise-separable", separable, normal(2, 4, 4, 4)),
    Kind("resnet-block", lambda: Residual(3, 4, 2), normal(2, 3, 6, 6)),
    Kind("mobilenet-block", lambda: Inverted(4), normal(2, 4, 4, 4)),
    Kind("densenet-block", Dense, normal(2, 2, 4, 4)),
    Kind("u-net", UNet, normal(2, 1, 6, 6)),
    Kind("squeeze-excite", SqueezeExcite, normal(2, 2, 4, 4)),
    Kind("autoencoder", Autoencoder, normal(2, 1, 6, 6)),
    Kind("mixture-of-experts", Experts, normal(5, 6), uncalled=("experts.never",)),
    Kind("early-exit", EarlyExit, normal(3, 6), uncalled=("later",)),
    Kind("siamese-towers", Siamese, lambda: (torch.randn(3, 6), torch.randn(3, 6))),
    Kind("embedding-bag", Bag, lambda: (torch.randint(0, 12, (3, 4)),)),
]
