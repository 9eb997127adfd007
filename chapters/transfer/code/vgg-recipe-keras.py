"""The popular recipe in Keras: VGG16 without its top, frozen, and a dense head with softmax."""

import keras
from keras import layers

# weights="imagenet" downloads 59 MB
base = keras.applications.VGG16(
    weights=None, include_top=False, input_shape=(224, 224, 3)
)
base.trainable = False  # frozen
first = layers.Dense(128, activation="relu")
last = layers.Dense(10, activation="softmax")
model = keras.Sequential([base, layers.Flatten(), first, last])
maps = base.output_shape[1:]
print("the base returns", maps, "=", maps[0] * maps[1] * maps[2], "numbers")

parts = {"base": base, "first dense": first, "last dense": last}
for name, layer in parts.items():
    print(f"{name:12} {layer.count_params():>12,} parameters")
trained = sum(weight.numpy().size for weight in model.trainable_variables)
print(f"trained: {trained:,} parameters; probabilities: {model.output_shape}")
