"""A sum of outer products, kept as two thin factors."""

import numpy as np


class LowRankSum:
    """The best approximation of a rank to each partial sum of outer products.

    Parameters
    ----------
    outputs, inputs : int
    rank : int

    Attributes
    ----------
    left, right : float32 [outputs, rank], [inputs, rank]
        The sum is about ``left @ right.T``.

    Notes
    -----
    An outer product joins by orthogonalizing both factors with it and cutting the singular values of the small matrix
    between them down to the rank: the biased form of A. Gural et al., Low-rank training of deep neural networks for
    emerging memory technology, arXiv:2009.03887 (2020). In the unbiased form the smallest singular values are mixed
    with random signs instead of cut (`mixing`), so that the sum is right on average.
    """

    def __init__(self, outputs: int, inputs: int, rank: int) -> None:
        self.left = np.zeros((outputs, rank), np.float32)
        self.right = np.zeros((inputs, rank), np.float32)

    @property
    def words(self) -> int:
        """Numbers that the factors hold."""
        return self.left.size + self.right.size

    def add(self, errors: np.ndarray, inputs: np.ndarray, signs: np.ndarray | None = None) -> None:
        """Add outer products.

        Parameters
        ----------
        errors : float32 [n, outputs]
        inputs : float32 [n, inputs]
        signs : float [n, rank + 1], optional
            Random signs of the unbiased form, which adds one product after the other; None: the biased form.
        """
        if signs is None:
            self._join(errors, inputs, None)
            return
        for error, each, own in zip(errors, inputs, signs, strict=True):
            self._join(error[None], each[None], own)

    def _join(self, errors: np.ndarray, inputs: np.ndarray, signs: np.ndarray | None) -> None:
        rank = self.left.shape[1]
        left_basis, left = np.linalg.qr(np.concatenate([self.left, errors.T], axis=1))
        right_basis, right = np.linalg.qr(np.concatenate([self.right, inputs.T], axis=1))
        u, sizes, vt = np.linalg.svd(left @ right.T)
        kept = min(rank, len(sizes))
        if signs is not None and len(sizes) > rank:
            mixed = mixing(sizes, signs)
        else:
            mixed = np.eye(len(sizes), kept) * np.sqrt(sizes)[:, None]
        self.left[:, :kept] = left_basis @ (u @ mixed)
        self.right[:, :kept] = right_basis @ (vt.T @ mixed)

    def matrix(self) -> np.ndarray:
        """Return the sum (float32 [outputs, inputs])."""
        return self.left @ self.right.T

    def clear(self) -> None:
        """Forget the sum."""
        self.left[:] = 0
        self.right[:] = 0


def mixing(sizes: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return a matrix Z with one column less than rows, of which ``Z Z'`` is ``diag(sizes)`` on average over the signs.

    The large values are kept; of the q - m + 1 smallest, k = q - m columns are made, whose variance is the least that
    an unbiased choice can have (F. Benzing et al., Optimal Kronecker-sum approximation of real time recurrent learning,
    ICML 2019, which Gural et al. use).

    Parameters
    ----------
    sizes : float [q]
        Singular values in falling order.
    signs : float [q]
        1 or -1; those of the smallest values are used.

    Returns
    -------
    float [q, q - 1]
    """
    values = sizes.astype(np.float64)
    count = len(values)
    tails = np.cumsum(values[::-1])[::-1]
    columns_left = np.arange(count - 1, -1, -1)
    if tails[0] <= 0:
        return np.zeros((count, count - 1))
    # The first value that is no more than its share of the rest: from there on they are mixed.
    first = int(np.argmax(columns_left * values <= tails))
    mixed, total = count - 1 - first, tails[first]
    found = np.zeros((count, count - 1))
    found[range(first), range(first)] = np.sqrt(values[:first])
    if mixed == 0 or total <= 0:
        return found
    # Orthogonal to v, whose squares are what each value lacks of its share, are k directions.
    v = np.sqrt(np.maximum(1 - values[first:] * mixed / total, 0))
    null = np.linalg.svd(v[None])[2][1:].T
    found[first:, first:] = np.sqrt(total / mixed) * signs[first:, None] * null
    return found
