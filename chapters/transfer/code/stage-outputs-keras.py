"""What each stage returns in Keras: a model with several outputs."""

import keras
from gpulab import transfer
from keras import ops

model = transfer.load("mobilenet-v2", "keras")
x = keras.random.uniform((2, 96, 96, 3), seed=0)  # two images, channels last

last = {layer.name.partition("_")[0]: layer.output for layer in model.layers}
names = ("preprocess", "stem", "block3", "block10", "top")
reader = keras.Model(model.input, [last[name] for name in names])
for name, out in zip(names, reader(x, training=False)):
    mean = ops.mean(out, axis=(1, 2))  # over all places: the features
    print(f"{name:10} {str(tuple(out.shape)):17} features {tuple(mean.shape)}")
