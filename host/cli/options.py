"""The options of commands that train, made from the configuration: names, help texts and defaults."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.markup import escape

from twinbar.host.cli import failures
from twinbar.host.experiment import config_file
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.run_folder import RunFolder, default_run_folder
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError


class ConfigOption(NamedTuple):
    """An option that sets a key of the configuration; one that may be repeated gives a list."""

    option: str
    key: str
    metavar: str
    repeated: bool = False


FLAGS: Final = (
    ConfigOption("data", "data.name", "digits|mnist|DIR|M:F"),
    ConfigOption("limit", "data.limit", "N"),
    ConfigOption("model", "model.kind", "mlp|lenet|M:F"),
    ConfigOption("hidden", "model.hidden", "N[,N...]"),
    ConfigOption("device", "device.preset", "PRESET"),
    ConfigOption("levels", "device.levels", "N"),
    ConfigOption("policy", "policy.name", "NAME"),
    ConfigOption("policies", "policies", "A,B,..."),
    ConfigOption("writes", "writes", "A,B,..."),
    ConfigOption("networks", "networks", "A,B,..."),
    ConfigOption("vary", "vary", "KEY=VALUES", repeated=True),
    ConfigOption("seeds", "seeds", "N"),
    ConfigOption("trials", "trials", "N"),
    ConfigOption("goals", "goals", "A,B,..."),
    ConfigOption("workers", "workers", "N"),
    ConfigOption("scheduler", "scheduler", "ADDRESS"),
    ConfigOption("quick", "quick", ""),
    ConfigOption("engine", "engine.name", "NAME"),
    ConfigOption("port", "engine.port", "PORT"),
    ConfigOption("baud", "engine.baud", "N"),
    ConfigOption("check", "engine.check", ""),
    ConfigOption("record-line", "engine.record_line", "FILE"),
    ConfigOption("epochs", "training.epochs", "N"),
    ConfigOption("batch-size", "training.batch_size", "N"),
    ConfigOption("lr", "training.lr", "X"),
    ConfigOption("schedule", "training.schedule", "NAME"),
    ConfigOption("loss", "training.loss", "NAME"),
    ConfigOption("metric", "training.metric", "NAME"),
    ConfigOption("accumulate", "training.accumulate", "K"),
    ConfigOption("seed", "engine.seed", "N"),
    ConfigOption("record", "trace.record", ""),
    ConfigOption("timeline", "trace.timeline", ""),
    ConfigOption("wave", "trace.wave", ""),
)

_EXPERIMENT_PANEL = "The experiment"
_RUN_PANEL = "The run"


@dataclass(frozen=True)
class RunRequest:
    """What a user asked ``train``, ``compare``, ``reproduce`` or ``sweep`` for.

    Parameters
    ----------
    kind : type of ExperimentConfig
    changes : dict
        Values of flags and ``--set`` by dotted key.
    config_file : Path or None
        A TOML file; flags win over it.
    out, resume : Path or None
        Folder of a new run, or of one to take up again.
    as_json : bool
        Whether the result goes to standard output as JSON.
    print_config : bool
        Whether only the configuration is printed.
    """

    kind: type[ExperimentConfig]
    changes: dict[str, Any]
    config_file: Path | None
    out: Path | None
    resume: Path | None
    as_json: bool
    print_config: bool

    def config(self) -> ExperimentConfig:
        """Return the configuration asked for: defaults, then the file, then flags.

        Raises
        ------
        ConfigError
            On the first mistake.
        """
        base = self.kind.from_toml(self.config_file) if self.config_file else self.kind()
        config = base.merge(self.changes)
        twice = next((key for key in config.varied_keys() if key in self.changes), None)
        if twice is not None:
            raise ConfigError(f"{twice} is varied and also set to {self.changes[twice]}; do one of them")
        return config.with_absolute_paths()

    def open_folder(self) -> RunFolder:
        """Start the run folder, or take up the one to resume.

        Raises
        ------
        ConfigError
            If the request contradicts itself, the folder, or what a run may be.
        """
        if self.resume is None:
            config = self.config()
            return RunFolder.create(self.out or default_run_folder(config), config)
        if self.out is not None:
            raise ConfigError("--out starts a run and --resume takes one up; give one of them")
        given = self.changes
        if self.config_file is not None:
            given = {**config_file.flatten(toml.read(self.config_file, str(self.config_file))), **given}
        return RunFolder.open(self.resume, self.kind, given)


def experiment_command(kind: type[ExperimentConfig]) -> Callable[[Callable[[RunRequest], None]], Callable[..., None]]:
    """Make a command of a function that takes a `RunRequest`: it gets an option for each of `FLAGS` that ``kind`` has.

    Parameters
    ----------
    kind : type of ExperimentConfig
        `ExperimentConfig` has ``policy.name`` as an option, `CompareConfig` has ``policies`` instead.
    """
    flags = [flag for flag in FLAGS if flag.key not in kind.decided and flag.key.partition(".")[0] in kind.model_fields]

    def decorate(function: Callable[[RunRequest], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            if given["print_config"] and given["resume"] is not None:
                raise ConfigError("--print-config shows what a new run would do; leave out --resume")
            function(
                RunRequest(
                    kind=kind,
                    changes=_changes(kind, flags, given),
                    config_file=given["config"],
                    out=_folder("--out", given["out"]),
                    resume=_folder("--resume", given["resume"]),
                    as_json=given["json"],
                    print_config=given["print_config"],
                )
            )

        parameters = [_flag_parameter(flag, kind) for flag in flags] + _run_parameters(kind)
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        command.__doc__, command.__name__, command.__module__ = function.__doc__, function.__name__, function.__module__
        return command

    return decorate


def _folder(option: str, text: str | None) -> Path | None:
    # An empty name would be the working folder.
    if text is not None and not text.strip():
        raise ConfigError(f"{option} is empty; name a folder")
    return None if text is None else Path(text)


def _changes(kind: type[ExperimentConfig], flags: Sequence[ConfigOption], given: dict[str, Any]) -> dict[str, Any]:
    texts = [(flag, given[_name(flag.option)]) for flag in flags]
    single = [(flag, text) for flag, text in texts if text is not None and not flag.repeated]
    asked = [(f"--{flag.option}", flag.key, _text(text)) for flag, text in single]
    lists = {flag.key: tuple(listed) for flag, listed in texts if listed and flag.repeated}
    return {**lists, **read_settings(kind, asked, given["set"] or [])}


def read_settings(
    kind: type[ExperimentConfig], asked: Sequence[tuple[str, str, str]], settings: Sequence[str]
) -> dict[str, Any]:
    """Return values by dotted key.

    Parameters
    ----------
    kind : type of ExperimentConfig
    asked : sequence of (option, key, text)
        Of options that stand for a key.
    settings : sequence of str
        ``section.key=value``, as ``--set`` takes them.

    Raises
    ------
    ConfigError
        If one cannot be read, or a key is given twice.
    """
    asked = list(asked)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {setting} cannot be read; write it as --set section.key=value")
        asked.append(("--set", key.strip(), text.strip()))
    changes: dict[str, Any] = {}
    givers: dict[str, str] = {}
    for option, key, text in asked:
        if key in changes:
            raise ConfigError(f"{key} is given by {givers[key]} and again by {option}; give it once")
        changes[key] = kind.value_from_text(key, text)
        givers[key] = option
    return changes


def _text(given: str | bool) -> str:
    """Return what was given as a configuration file would have it."""
    return str(given).lower() if isinstance(given, bool) else given


def _flag_parameter(flag: ConfigOption, kind: type[ExperimentConfig]) -> inspect.Parameter:
    section, _, name = flag.key.rpartition(".")
    model = kind.model_fields[section].annotation if section else kind
    field = model.model_fields[name]  # type: ignore[union-attr]
    text = (field.description or "").strip()
    # A command may have other defaults of a whole section.
    whole = kind.model_fields[section].get_default(call_default_factory=True) if section else None
    default = field.default if whole is None else getattr(whole, name)
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    help_text = f"{text[0].upper()}{text[1:]}." + ("" if default in (None, "") else f" [default: {default}]")
    switch = field.annotation is bool
    option = typer.Option(
        f"--{flag.option}",
        metavar=flag.metavar or None,
        help=escape(f"{text[0].upper()}{text[1:]}." if switch else help_text),
        show_default=False,
        rich_help_panel=_EXPERIMENT_PANEL,
    )
    kind_of_value: Any = bool if switch else list[str] if flag.repeated else str
    return _parameter(flag.option, kind_of_value | None, option, None)


def _run_parameters(kind: type[ExperimentConfig]) -> list[inspect.Parameter]:
    what = "<policy>" if kind.command == "train" else kind.command
    folder = f"Folder of the run, new or empty. [default: runs/<date>-<data>-{what}]"
    return [
        _run_parameter("config", Path, "Read the configuration from a TOML file; flags win.", metavar="FILE"),
        _run_parameter(
            "set",
            list[str],
            "Set any key of the configuration, such as policy.threshold=0.75; may be repeated.",
            metavar="KEY=VALUE",
        ),
        _run_parameter(
            "print-config", bool, "Print the configuration, every key with its meaning, and do nothing else."
        ),
        _run_parameter("out", str, folder, metavar="DIR"),
        _run_parameter("resume", str, "Continue the run in this folder.", metavar="DIR"),
        _run_parameter("json", bool, "Print the result as JSON on standard output; progress is on standard error."),
        _run_parameter("debug", bool, "Show the traceback of an error.", callback=_keep_debug),
    ]


def _run_parameter(name: str, kind: Any, text: str, **extra: Any) -> inspect.Parameter:
    option = typer.Option(f"--{name}", help=escape(text), show_default=False, rich_help_panel=_RUN_PANEL, **extra)
    if kind is bool:
        return _parameter(name, bool, option, False)
    return _parameter(name, kind | None, option, None)


def _keep_debug(wanted: bool) -> bool:
    # The option may also stand before the command; leaving it out here does not take that back.
    return failures.set_debug(True) if wanted else wanted


def _parameter(option_name: str, annotation: Any, option: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        _name(option_name), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option]
    )


def _name(option: str) -> str:
    return option.replace("-", "_")
