"""Hold the weights near the start, in Keras."""

import keras
import numpy as np
from gpulab import transfer
from gpulab.train import fit

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 5)).astype("float32"), rng.integers(0, 3, 64)
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="dense")])

importance = transfer.fisher(model, x)  # of what the model knows now
print([value.shape for value in importance.values()])
start = model.get_weights()[0]
elastic = transfer.ElasticWeights(importance, strength=1, skip=())
fit(model, (x, y), epochs=5, batch_size=8, callbacks=[elastic], verbose=False)
print("moved:", bool(abs(model.get_weights()[0] - start).max() > 1e-4))
