"""What is put on a crossbar, what stays digital, and what is refused by name."""

from collections.abc import Callable

import pytest
import torch
from held_network import assert_alike
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from twinbar.host.network.network import Network
from twinbar.host.nn.crossbar_weight import CrossbarWeight
from twinbar.hw.errors import ConfigError

Convert = Callable[..., Network]


def names(net: Network) -> list[str]:
    return [layer.name for layer in net.layers]


class Block(nn.Module):
    """What users have: convolution, normalization, attention, recurrence and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.rnn = nn.GRU(4, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).flatten(2).permute(2, 0, 1)
        x = x + self.attention(x, x, x)[0]
        return self.head(self.rnn(x)[0][-1])


BLOCK = ["conv", "attention.in_proj_weight", "attention.out_proj", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "head"]


def test_everything_with_a_matrix_is_mapped_and_the_rest_is_listed(to_crossbar: Convert) -> None:
    net = to_crossbar(Block())
    assert names(net) == BLOCK
    assert [(part.name, part.kind, part.reason) for part in net.crossbar.digital] == [
        ("norm", "BatchNorm2d", "no product of a weight matrix")
    ]
    assert net.weights == 36 + 48 + 16 + 60 + 75 + 15
    summary = net.summary()
    assert all(name in summary for name in [*BLOCK, "norm", "BatchNorm2d"])
    assert "3 x (4 x 4)" in summary


@pytest.mark.parametrize(
    ("exclude", "digital"),
    [
        ("conv", {"conv"}),
        ("attention", {"attention.in_proj_weight", "attention.out_proj"}),
        ("attention.out_proj", {"attention.out_proj"}),
        ("attention.in_proj_weight", {"attention.in_proj_weight"}),
        ("rnn.weight_hh_l0", {"rnn.weight_hh_l0"}),
        (["rnn", "h*"], {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "head"}),
    ],
)
def test_excluded_parts_stay_digital(exclude: str | list[str], digital: set[str], to_crossbar: Convert) -> None:
    torch.manual_seed(0)
    module = Block()
    net = to_crossbar(module, exclude=exclude)
    assert set(BLOCK) - set(names(net)) == digital
    assert "excluded" in {part.reason for part in net.crossbar.digital}
    x = torch.randn(2, 1, 4, 4)
    net.prepare(x)
    assert net.crossbar.not_called == []
    assert_alike(net(x), module(x))
    left = [
        name for name, weight in net.named_parameters() if not isinstance(weight, CrossbarWeight) and weight.dim() > 1
    ]
    assert len(left) == len(digital)


def test_exclude_must_name_something(to_crossbar: Convert) -> None:
    with pytest.raises(
        ConfigError, match=r"exclude names 'haed', which is not a part of the module; did you mean 'head'\?"
    ):
        to_crossbar(Block(), exclude="haed")
    with pytest.raises(ConfigError, match="has no layer that could be put on a crossbar"):
        to_crossbar(Block(), exclude="*")
    for wrong in (3, [3], None):
        with pytest.raises(ConfigError, match=r"exclude is .*; it must be the name of a part, or a list of names"):
            to_crossbar(Block(), exclude=wrong)


def test_a_layer_with_two_names_is_one_and_either_excludes_it(to_crossbar: Convert) -> None:
    shared = nn.Linear(4, 4)
    module = nn.ModuleDict({"a": shared, "b": shared, "c": nn.Linear(4, 2)})
    net = to_crossbar(module)
    assert [layer.names for layer in net.layers] == [["a", "b"], ["c"]]
    assert "shared with b" in net.summary()
    assert names(to_crossbar(module, exclude="b")) == ["c"]


def test_tied_layers_share_one_twin_and_its_cells(to_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    module[2].weight = module[0].weight
    net = to_crossbar(module)
    assert net.weights == 16
    assert net.module[0].weight is net.module[2].weight
    x = torch.randn(3, 4)
    net(x).sum().backward()
    assert net.layers[0].matmul.products == 2
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    optimizer.step()
    assert net.module[0].weight is net.module[2].weight


def test_a_head_tied_to_an_embedding_is_refused_by_name(to_crossbar: Convert) -> None:
    module = nn.ModuleDict({"words": nn.Embedding(7, 4), "head": nn.Linear(4, 7, bias=False)})
    module["head"].weight = module["words"].weight
    with pytest.raises(
        ConfigError,
        match=r"head shares its weights with words \(Embedding\), which reads them digitally; leave it digital with "
        r"exclude=\['head'\]",
    ):
        to_crossbar(module)


def test_frozen_layers_stay_frozen_and_are_never_rewritten(to_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    module[0].requires_grad_(False)
    net = to_crossbar(module, policy="closed-loop")
    assert [parameter.requires_grad for parameter in net.parameters()] == [False, False, True, True]
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.5, weight_decay=0.1))
    before = module[0].weight.detach().clone()
    for _ in range(3):
        net(torch.randn(4, 6)).square().sum().backward()
        optimizer.step()
    writes = {name: figures["cell_writes"] for name, figures in net.cost["layers"].items()}
    assert writes == {"0": 0, "2": 3 * 2 * 24}
    assert torch.equal(net.module[0].weight, before)
    assert "frozen" in net.summary()


@pytest.mark.parametrize(
    "adapt",
    [
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        parametrizations.orthogonal,
        lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
    ],
    ids=["weight_norm-old", "spectral_norm-old", "weight_norm", "spectral_norm", "orthogonal", "prune"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_computed_weights_are_refused_by_name_and_can_be_excluded(
    adapt: Callable[[nn.Module], nn.Module], to_crossbar: Convert
) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 5), adapt(nn.Linear(5, 5)), nn.Linear(5, 2))
    with pytest.raises(
        ConfigError, match=r"the weight of layer 1 \(.*Linear\) is computed from other parameters.*exclude=\['1'\]"
    ):
        to_crossbar(module)
    net = to_crossbar(module, exclude="1").eval()
    module.eval()
    x = torch.randn(3, 5)
    assert_alike(net(x), module(x))
    # What it is computed from still learns.
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    net.train()(x).sum().backward()
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    optimizer.step()
    assert {name.split(".")[0] for name, value in net.named_parameters() if not torch.equal(value, before[name])} == {
        "0",
        "1",
        "2",
    }


def test_pruning_that_was_made_permanent_is_mapped(to_crossbar: Convert) -> None:
    module = nn.Linear(6, 4)
    prune.l1_unstructured(module, "weight", 0.5)
    prune.remove(module, "weight")
    net = to_crossbar(module)
    net(torch.randn(2, 6))
    assert int((net.layers[0].cells.weights == 0).sum()) >= 12


def test_layers_that_do_not_know_their_size_ask_for_a_batch(to_crossbar: Convert) -> None:
    for layer in (nn.LazyLinear(3), nn.LazyConv2d(3, 2)):
        with pytest.raises(ConfigError, match="does not know its size yet; run one batch through the module"):
            to_crossbar(nn.Sequential(layer))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Linear(2, 2, dtype=torch.complex64), "are complex64; a pair of cells holds a real number"),
        (lambda: nn.Linear(0, 3), "has no weights"),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_weights_that_no_cell_can_hold_are_refused(
    make: Callable[[], nn.Module], words: str, to_crossbar: Convert
) -> None:
    with pytest.raises(ConfigError, match=words):
        to_crossbar(make())


def test_weights_that_are_not_finite_are_refused(to_crossbar: Convert) -> None:
    module = nn.Linear(3, 2)
    nn.init.constant_(module.weight, float("nan"))
    with pytest.raises(ConfigError, match="the layer linear has weights that are not finite"):
        to_crossbar(module)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_wrappers_that_hide_or_multiply_weights_are_refused(inner: bool, to_crossbar: Convert) -> None:
    layer = nn.Linear(3, 2)
    wrapped = [
        (nn.DataParallel(layer), "is a DataParallel, which makes replicas"),
        (torch.jit.script(layer), "is scripted, with its weights compiled in"),
        (torch.compile(layer, backend="eager"), "is compiled, with its weights compiled in"),
        (to_crossbar(layer), "is converted already"),
    ]
    for module, words in wrapped:
        with pytest.raises(ConfigError, match=f"the part 1 {words}" if inner else f"the module {words}"):
            to_crossbar(nn.Sequential(nn.Linear(3, 3), module) if inner else module)


def test_what_is_no_module_is_refused(to_crossbar: Convert) -> None:
    with pytest.raises(ConfigError, match=r"function is not a torch.nn.Module"):
        to_crossbar(lambda x: x)


def test_hooks_dtype_memory_format_and_mode_survive(to_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    module.to(memory_format=torch.channels_last).double().eval()
    seen = []
    module[0].register_forward_pre_hook(lambda part, args: seen.append("before"))
    module[0].register_forward_hook(lambda part, args, out: out * 2)
    module[3].register_full_backward_hook(lambda part, inner, outer: seen.append("backward"))
    net = to_crossbar(module)
    assert not net.training
    assert not net.module[0].training
    assert net.module[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    y = net(x)
    assert y.dtype == torch.float64
    assert_alike(y, module(x))
    seen.clear()
    net(x).sum().backward()
    assert seen == ["before", "backward"]


def test_it_shows_where_its_layers_are(to_crossbar: Convert) -> None:
    text = repr(to_crossbar(nn.Sequential(nn.Linear(40, 20), nn.ReLU())))
    assert "Linear(in_features=40, out_features=20, bias=True)" in text
    # 40 rows and 40 columns on tiles of 32 x 32.
    assert "0: 20 x 40 weights, 4 tiles, 128 levels" in text


def test_attributes_of_the_module_are_those_of_the_network(to_crossbar: Convert) -> None:
    module = Block()
    module.classes = ("a", "b")
    net = to_crossbar(module)
    assert net.classes == ("a", "b")
    assert net.head is net.module.head
    assert dict(net.named_parameters()).keys() == dict(module.named_parameters()).keys()
    with pytest.raises(AttributeError, match="nonsense"):
        _ = net.nonsense


def test_a_layer_whose_weights_all_round_to_zero_is_named(to_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    nn.init.constant_(module[0].weight, 1e-4)
    net = to_crossbar(module)
    with pytest.warns(UserWarning, match="all weights of 0 are nearer to zero than to the first level"):
        net(torch.ones(1, 4))
