"""The popular recipe in Keras: VGG16 without its top, frozen, and a dense head with softmax."""

import keras
from keras import layers

# weights="imagenet" downloads 59 MB
base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
base.trainable = False  # frozen
head = [layers.Flatten(), layers.Dense(128, activation="relu")]
model = keras.Sequential([base, *head, layers.Dense(10, activation="softmax")])
maps = base.output_shape[1:]
print("the base returns", maps, "=", maps[0] * maps[1] * maps[2], "numbers")

for name, layer in [("base", base), ("first dense", head[1]), ("last dense", model.layers[-1])]:
    print(f"{name:12} {layer.count_params():>12,} parameters")
trained = sum(weight.numpy().size for weight in model.trainable_variables)
print("trained:", f"{trained:,}", "parameters; probabilities:", model.output_shape)
