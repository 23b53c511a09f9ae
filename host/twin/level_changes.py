"""Compiled comparison of the levels that the host noted with those that cells hold now."""

from twinbar.emulator.kernels.compiled import kernel


@kernel
def note_levels(plus, minus, noted_plus, noted_minus, per_word, touched):
    """Bring noted levels up to date; gives how many weights have another one now.

    Parameters
    ----------
    plus, minus : uint8 [outputs, inputs]
        Levels of the G+ and the G- cells.
    noted_plus, noted_minus : uint8 [outputs, inputs]
        Updated.
    per_word : int64 [memories]
        Values that share a word, of memories with a value for each weight.
    touched : int64 [memories]
        Filled: words of each memory in which the value of such a weight lies.
    """
    outputs, inputs = plus.shape
    touched[:] = 0
    changed = 0
    last = -1
    for j in range(outputs):
        # Nearly all rows are as they were; this pass over them is short and without branches, so it vectorizes.
        other = 0
        for i in range(inputs):
            other |= (plus[j, i] ^ noted_plus[j, i]) | (minus[j, i] ^ noted_minus[j, i])
        if other == 0:
            continue
        for i in range(inputs):
            if plus[j, i] == noted_plus[j, i] and minus[j, i] == noted_minus[j, i]:
                continue
            noted_plus[j, i] = plus[j, i]
            noted_minus[j, i] = minus[j, i]
            place = j * inputs + i
            for n in range(per_word.shape[0]):
                if last < 0 or place // per_word[n] != last // per_word[n]:
                    touched[n] += 1
            last = place
            changed += 1
    return changed
