"""Three ways to train MiniLM in Keras, and how many numbers each of them changes."""

import keras
from gpulab import transfer

for way in ("frozen", "tuned", "lora"):
    keras.utils.set_random_seed(0)
    model = transfer.load("minilm", "keras", classes=2)
    if way == "frozen":
        transfer.freeze(model)  # only the head learns
    elif way == "tuned":
        transfer.freeze(model, "embeddings")  # the six blocks learn, too
    else:
        transfer.lora(model, rank=8)  # adapters beside frozen weights
    rows = transfer.parameters(model)
    print(f"{way:7}{sum(row.trainable for row in rows):>11,}")
