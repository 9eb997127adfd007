"""Three sequences of different lengths in one batch: packed, and read with their padding."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.manual_seed(0)
sequences = [torch.randn(steps, 4) for steps in (2, 5, 3)]
lengths = torch.tensor([len(sequence) for sequence in sequences])
batch = pad_sequence(sequences, batch_first=True)  # zeros at the end: (3, 5, 4)
layer = nn.LSTM(4, 8, batch_first=True)
alone = torch.cat([layer(sequence[None])[1][0][0] for sequence in sequences])

packed = pack_padded_sequence(
    batch, lengths, batch_first=True, enforce_sorted=False
)
print("packed:", tuple(packed.data.shape), "by step:", packed.batch_sizes.tolist())
_, (state, _) = layer(packed)
print("packed, as alone:", torch.allclose(state[0], alone, atol=1e-6))

every, _ = layer(batch)  # the mistake: the padding is read
same = [torch.allclose(a, b, atol=1e-6) for a, b in zip(every[:, -1], alone)]
print("last column, as alone:", same)
own = every[torch.arange(3), lengths - 1]
print("own last step, as alone:", torch.allclose(own, alone, atol=1e-6))
