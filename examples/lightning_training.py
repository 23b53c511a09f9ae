"""Train a residual CNN with batch normalization in situ under Lightning's Trainer (`pip install lightning`)."""

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import twinbar as tb
from twinbar.host.data import load_dataset


class Residual(nn.Module):
    """Two convolutions with batch normalization, and a shortcut around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps [batch, channels, height, width]."""
        return torch.relu(x + self.body(x))


def residual_network() -> nn.Module:
    """Return an ordinary PyTorch module for images [batch, 1, 8, 8]."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        Residual(8),
        nn.MaxPool2d(2),
        Residual(8),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


class InSituClassifier(lightning.LightningModule):
    """Twinbar's two lines: the inner network is converted, and its optimizer attached."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tb.convert(residual_network(), device="taox-hfox", levels=16, policy="siamese")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return an optimizer whose steps write the cells."""
        sgd = torch.optim.SGD(self.net.parameters(), lr=0.05, momentum=0.9)
        return self.net.attach(sgd, steps=int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        """Return the loss of a batch of images and labels."""
        images, labels = batch
        return F.cross_entropy(self.net(images), labels)

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        """Log the accuracy of the crossbar."""
        images, labels = batch
        self.log("accuracy", (self.net(images).argmax(1) == labels).float().mean())


def loaders() -> tuple[DataLoader, DataLoader]:
    """Return training and test images of the digits, in an order that each epoch repeats."""
    data = load_dataset("digits")
    train, test = (
        TensorDataset(torch.as_tensor(images).unsqueeze(1) / 255, torch.as_tensor(labels))
        for images, labels in ((data.train_images, data.train_labels), (data.test_images, data.test_labels))
    )
    return DataLoader(train, batch_size=32), DataLoader(test, batch_size=360)


def trainer(folder: str, **choices: object) -> lightning.Trainer:
    """Return a Trainer that keeps a checkpoint of every epoch; it holds the cells too.

    A sanity check before a resumed training would be one more evaluation, which draws noise: without it, the training
    ends exactly as one that was never interrupted.
    """
    kept = ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1)
    return lightning.Trainer(accelerator="cpu", logger=False, num_sanity_val_steps=0, callbacks=[kept], **choices)


def main(folder: str = "runs/lightning", epochs: int = 3) -> float:
    """Train, print what it cost, and return the accuracy of the crossbar on the test images."""
    lightning.seed_everything(0)
    classifier = InSituClassifier()
    run = trainer(folder, max_epochs=epochs)
    run.fit(classifier, *loaders())
    accuracy = float(run.callback_metrics["accuracy"])
    cost = classifier.net.cost
    print(classifier.net.summary())
    print(f"accuracy {accuracy:.1%}; {cost['cell_writes']:,} cell writes, {cost['energy_j']['total']:.2e} J")
    return accuracy


if __name__ == "__main__":
    main()
