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
    emerging memory technology, arXiv:2009.03887 (2020).
    """

    def __init__(self, outputs: int, inputs: int, rank: int) -> None:
        self.left = np.zeros((outputs, rank), np.float32)
        self.right = np.zeros((inputs, rank), np.float32)

    @property
    def words(self) -> int:
        """Numbers that the factors hold."""
        return self.left.size + self.right.size

    def add(self, errors: np.ndarray, inputs: np.ndarray) -> None:
        """Add outer products.

        Parameters
        ----------
        errors : float32 [n, outputs]
        inputs : float32 [n, inputs]
        """
        rank = self.left.shape[1]
        left_basis, left = np.linalg.qr(np.concatenate([self.left, errors.T], axis=1))
        right_basis, right = np.linalg.qr(np.concatenate([self.right, inputs.T], axis=1))
        u, sizes, vt = np.linalg.svd(left @ right.T)
        kept = min(rank, len(sizes))
        root = np.sqrt(sizes[:kept])
        self.left[:, :kept] = left_basis @ (u[:, :kept] * root)
        self.right[:, :kept] = right_basis @ (vt[:kept].T * root)

    def matrix(self) -> np.ndarray:
        """Return the sum (float32 [outputs, inputs])."""
        return self.left @ self.right.T

    def clear(self) -> None:
        """Forget the sum."""
        self.left[:] = 0
        self.right[:] = 0
