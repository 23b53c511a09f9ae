"""What was trained, in one line, from the configuration of a report."""

from typing import Any

from twinbar.host.report.schema import Report


def setting(config: dict[str, Any], *names: str) -> Any:
    """Find a setting by its dotted name.

    Parameters
    ----------
    config : dict
        Nested sections.
    *names : str
        Names that it may have, the first one found counts.

    Returns
    -------
    object or None
        None where there is no such setting.
    """
    for name in names:
        value: Any = config
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _name(value: Any) -> str | None:
    """Return the name of a policy or device that a report states as text or as an object with a name."""
    if isinstance(value, dict):
        value = value.get("name")
    return None if value is None else str(value)


def policy_name(report: Report) -> str | None:
    """Return the update policy of a run."""
    return _name(report.policy) or _name(setting(report.config, "policy.name", "policy"))


def device_name(report: Report) -> str | None:
    """Return the device preset of a run."""
    return _name(report.device) or _name(setting(report.config, "device.preset", "device"))


def _network(report: Report) -> str:
    """Name the network: its layer widths where the report has them, else its kind and hidden width."""
    layers = (report.model_extra or {}).get("layer_sizes")
    kind = setting(report.config, "model.kind", "model")
    kind = {"mlp": "MLP", "lenet": "LeNet"}.get(str(kind), "Network" if kind is None else str(kind))
    if isinstance(layers, list | tuple) and layers:
        return f"{kind} {'-'.join(str(width) for width in layers)}"
    if ":" in kind:  # a network of the user's own, as package.module:Name
        return kind.rpartition(":")[2]
    hidden = setting(report.config, "model.hidden", "hidden")
    if kind == "LeNet" or hidden in (None, [], ""):
        return kind
    widths = hidden if isinstance(hidden, list | tuple) else [hidden]
    return f"{kind} with {'-'.join(str(width) for width in widths)} hidden units"


def _data(report: Report) -> str | None:
    data = setting(report.config, "data.name", "data")
    if data is None:
        return None
    if ":" in str(data) and "/" not in str(data):  # data of the user's own, as package.module:Name
        return str(data).rpartition(":")[2].replace("_", " ")
    # A folder of the user's own is named by its last part; the full path is in the configuration.
    return {"mnist": "MNIST"}.get(str(data), str(data).rstrip("/").rpartition("/")[2] or str(data))


def task(report: Report) -> str:
    """Name the task: network and data, for example ``MLP with 256 hidden units on MNIST``."""
    data = _data(report)
    return _network(report) + (f" on {data}" if data else "")


def facts(report: Report, with_policy: bool = True) -> list[tuple[str, str]]:
    """List what else distinguishes a run, as (name, value), settings that the report lacks left out."""
    levels = report.levels_per_cell or setting(report.config, "device.levels", "levels")
    text_levels = None if levels is None else f"{levels} per cell"
    if text_levels and report.weight_values:
        text_levels += f", {report.weight_values} weight values"
    listed = [
        ("policy", policy_name(report) if with_policy else None),
        ("device", device_name(report)),
        ("levels", text_levels),
        ("engine", setting(report.config, "engine.name", "engine")),
        ("epochs", str(len(report.epochs)) if report.epochs else None),
        ("batch size", setting(report.config, "training.batch_size", "batch_size")),
        ("learning rate", setting(report.config, "training.lr", "lr")),
        ("seed", setting(report.config, "engine.seed", "seed")),
    ]
    if not report.on_crossbar and with_policy:
        listed = [fact for fact in listed if fact[0] not in ("device", "levels", "engine")]
    return [(name, str(value)) for name, value in listed if value is not None]
