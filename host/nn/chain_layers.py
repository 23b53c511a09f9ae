"""Let the layers of a network run as one program, where they can."""

from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.layer_chain import LayerChain


def chain_layers(network: CrossbarNetwork) -> None:
    """Chain the layers of a network that can follow one another on the chip, and note why others cannot.

    Raises
    ------
    ConfigError
        If layers that could be chained do not fit a program.
    """
    # Tracing takes a while to load.
    from twinbar.host.nn.chain_search import find_chains

    found = find_chains(network.module, network.layers)
    network.unchained = found.reasons
    for own in found.chains:
        chain = LayerChain(network.session, own)
        network.chains.append(chain)
        for link in own:
            link.layer.matmul.chain = chain
