"""Compiled comparison of the levels that the host noted with those that cells hold now."""

from twinbar.emulator.kernels.compiled import inline, kernel


@inline
def _note(place, last, plus, minus, noted_plus, noted_minus, per_word, touched):
    """Note the levels of one weight; gives the weight that was last found to have changed."""
    inputs = plus.shape[1]
    j = place // inputs
    i = place % inputs
    if plus[j, i] == noted_plus[j, i] and minus[j, i] == noted_minus[j, i]:
        return last
    noted_plus[j, i] = plus[j, i]
    noted_minus[j, i] = minus[j, i]
    for n in range(per_word.shape[0]):
        if last < 0 or place // per_word[n] != last // per_word[n]:
            touched[n] += 1
    return place


@kernel
def note_levels(plus, minus, noted_plus, noted_minus, per_word, touched):
    """Bring noted levels up to date, of all weights.

    Parameters
    ----------
    plus, minus : uint8 [outputs, inputs]
        Levels of the G+ and the G- cells.
    noted_plus, noted_minus : uint8 [outputs, inputs]
        Updated.
    per_word : int64 [memories]
        Values that share a word, of memories with a value for each weight.
    touched : int64 [memories]
        Filled: words of each memory in which the value of a weight lies that has another level now.
    """
    outputs, inputs = plus.shape
    touched[:] = 0
    last = -1
    for j in range(outputs):
        # Nearly all rows are as they were; this pass over them is short and without branches, so it vectorizes.
        other = 0
        for i in range(inputs):
            other |= (plus[j, i] ^ noted_plus[j, i]) | (minus[j, i] ^ noted_minus[j, i])
        if other == 0:
            continue
        for i in range(inputs):
            last = _note(j * inputs + i, last, plus, minus, noted_plus, noted_minus, per_word, touched)


@kernel
def note_listed_levels(origins, plus, minus, noted_plus, noted_minus, per_word, touched):
    """Bring noted levels up to date, of those weights alone that can have another one.

    Parameters
    ----------
    origins : int32 [n]
        ``2 * weight + side`` of cells, in ascending order.
    plus, minus, noted_plus, noted_minus, per_word, touched
        As of `note_levels`.
    """
    touched[:] = 0
    last = -1
    for n in range(origins.shape[0]):
        last = _note(origins[n] // 2, last, plus, minus, noted_plus, noted_minus, per_word, touched)
