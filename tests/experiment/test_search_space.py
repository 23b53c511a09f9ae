"""What a sweep varies, as a user writes it."""

import pytest

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.search_space import Axis, SearchRange, read_space
from twinbar.host.experiment.sweep_config import SweepConfig
from twinbar.hw.errors import ConfigError


def read(*texts: str) -> list[Axis | SearchRange]:
    return read_space(texts, ExperimentConfig.value_from_text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("device.levels=4,8, 16", (4, 8, 16)),
        ("device.levels=4:16:4", (4, 8, 12, 16)),
        ("device.levels=4:17:4", (4, 8, 12, 16)),
        ("device.levels=16:4:-6", (16, 10, 4)),
        ("policy.threshold=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("training.lr=1:2:0.5", (1.0, 1.5, 2.0)),
        ("data.name=digits,mnist", ("digits", "mnist")),
        ("array.cascade=true,false", (True, False)),
        ("model.hidden=[16],[64,32]", ([16], [64, 32])),
        ("engine.energy_table=a:b", ("a:b",)),
        ("data.name=../images,a/..,digits", ("../images", "a/..", "digits")),
    ],
)
def test_values(text: str, values: tuple[object, ...]) -> None:
    (axis,) = read(text)
    assert axis == (text.partition("=")[0], values)
    assert isinstance(axis, Axis)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "low", "high", "log", "integer"),
    [
        ("training.lr=0.001..0.1", 0.001, 0.1, False, False),
        ("training.lr=1e-3 .. 1e-1 log", 0.001, 0.1, True, False),
        ("device.levels=4..64", 4, 64, False, True),
        ("device.levels=4..64log", 4, 64, True, True),
        ("training.momentum=-1..1", -1, 1, False, True),
    ],
)
def test_ranges_of_a_search(text: str, low: float, high: float, log: bool, integer: bool) -> None:
    (found,) = read(text)
    assert isinstance(found, SearchRange)
    assert (found.low, found.high, found.log, found.integer) == (low, high, log, integer)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["device.levels"], "'device.levels' cannot be varied: write it as key=1,2,4"),
        (["=4"], "'=4' cannot be varied"),
        (["device.levels="], "cannot be varied: write it as"),
        (["device.levels=4,,8"], "a value is empty"),
        (["model.hidden=[16],[8"], "brackets are not in pairs"),
        (["device.levels=4,8,4"], "4 is in it twice"),
        (["training.lr=1:0:0.5"], "steps of 0.5 do not lead from 1 to 0"),
        (["training.lr=0:1:0"], "steps of 0 do not lead from 0 to 1"),
        (["training.lr=0:1:1e-9"], "values, and 10,000 are the most"),
        (["training.lr=0:x:1"], "'x' is not a number"),
        (["training.lr=nan..1"], "'nan' is not a number"),
        (["training.lr=1..1"], "its lower end 1 is not below its upper end 1"),
        (["training.lr=0..1 log"], "a logarithm needs ends above 0, and the lower one is 0"),
        (["device.levels=4", "device.levels=8"], "device.levels is varied twice"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(texts: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(*texts)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vary": ("device.level=4",)}, "there is no configuration key device.level; did you mean device.levels?"),
        ({"vary": ("vary=1,2",)}, "there is no configuration key vary;"),
        ({"vary": ("engine.seed=1,2",)}, "seeds says how many seeds"),
        ({"vary": ("trace.wave=true",)}, "it says where or how a run is observed"),
        ({"vary": ("engine.port=a,b",)}, "it says where or how a run is observed"),
        ({"vary": ("policy.rank=1,2",)}, "the policy siamese has no such setting; it has threshold"),
        ({"vary": ("training.lr=0.1..1",)}, "training.lr has a range to search in, and trials is 0"),
        ({"trials": 3}, "trials asks for a search, but nothing is varied"),
        ({"vary": ("training.lr=1,2",), "trials": 2, "goals": ("energy",)}, "goals holds 'energy'; each item must be"),
        ({"vary": ("training.lr=1,2",), "trials": 2, "goals": ()}, "goals is empty"),
        (
            {"vary": ("training.lr=1,2",), "trials": 2, "goals": ("validation_accuracy",)},
            "goals holds validation_accuracy, and data.validation is 0; hold images out",
        ),
        ({"vary": ("array.rows=2:1025:1", "training.lr=0.01:1:0.01")}, "these are 102,400 runs, and 100,000 are"),
        ({"seeds": 32}, "seeds is 32"),
    ],
)
def test_what_cannot_be_swept_is_refused_when_the_configuration_is_made(changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SweepConfig().merge(changes)
    assert sentence in str(caught.value)


def test_a_grid_has_every_combination() -> None:
    config = SweepConfig().merge({"vary": ("device.levels=4,8", "policy.threshold=0.5,1.0,1.5")})
    assert config.grid() == [
        {"device.levels": levels, "policy.threshold": threshold} for levels in (4, 8) for threshold in (0.5, 1.0, 1.5)
    ]
    assert SweepConfig().grid() == [{}]
    run = config.for_run(config.grid()[4], 3)
    assert (run.device.levels, run.flat()["policy.threshold"], run.engine.seed) == (8, 1.0, 3)
    # Processes that train side by side have a thread each.
    assert run.engine.threads == 1
    assert SweepConfig().merge({"engine.threads": 2}).for_run({}, 0).engine.threads == 2


def test_settings_that_do_not_go_together_are_named() -> None:
    config = SweepConfig().merge({"vary": ("engine.name=fast,board",)})
    with pytest.raises(ConfigError, match=r"with engine\.name = board: "):
        config.for_run(config.grid()[1], 0)


def test_policies_have_settings_of_their_own() -> None:
    config = SweepConfig().merge({"vary": ("policy.name=siamese,closed-loop,float",)})
    assert [config.for_run(settings, 0).policy.name for settings in config.grid()] == [
        "siamese",
        "closed-loop",
        "float",
    ]
    with pytest.raises(ConfigError, match="the policy stellar has no such setting"):
        SweepConfig().merge({"vary": ("policy.name=siamese,stellar", "policy.threshold=0.5,1")})


def test_a_configuration_is_read_back_from_its_file() -> None:
    config = SweepConfig().merge({"vary": ("device.levels=4,8", "training.lr=0.1..1 log"), "trials": 5, "seeds": 2})
    assert SweepConfig.from_toml_text(config.to_toml(), "written") == config


def test_a_configuration_that_is_read_back_has_the_same_runs() -> None:
    """Settings of the policy that were not given follow the levels and the policy of each run, also when resumed."""
    vary = ("device.levels=4,16", "policy.name=siamese,float")
    for changes in ({}, {"policy.threshold_end": 0.25}, {"policy.weight_range": 8.0}):
        config = SweepConfig().merge({"vary": vary, **changes})
        again = SweepConfig.from_toml_text(config.to_toml(), "written")
        runs, runs_again = ([made.for_run(settings, 0) for settings in config.grid()] for made in (config, again))
        assert [run.flat() for run in runs_again] == [run.flat() for run in runs]
        # Half of four levels, where it is not given.
        assert runs_again[0].policy.weight_range == (8.0 if "policy.weight_range" in changes else 2.0)
        assert runs_again[0].flat()["policy.threshold"] == 0.5
