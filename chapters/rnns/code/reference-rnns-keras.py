"""The reference recurrent networks in Keras, counted."""

from keras import Input, Sequential, layers

for kind in (layers.SimpleRNN, layers.LSTM, layers.GRU):
    model = Sequential([
        Input((None, 10)),
        layers.Masking(0.0),  # steps of zeros are padding
        kind(64),
        layers.Dense(1),  # no sigmoid: the loss has it
    ])
    counts = [layer.count_params() for layer in model.layers[1:]]
    print(f"{kind.__name__:9} {counts[0]:6,} + {counts[1]} = {sum(counts):,}")
