"""Three sentences as vectors, and their cosines, in Keras."""

import numpy as np
from gpulab import transfer

texts = ["A cat sleeps on the sofa.", "A kitten is napping on the couch.",
         "Stock prices fell on Monday."]  # fmt: skip
tokens = transfer.tokenizer("minilm")(texts, length=12)  # (3, 12), 0 is padding
encoder = transfer.load("minilm", "keras")
print("stages:", *transfer.stages(encoder))

vectors = transfer.features(encoder, tokens)  # (3, 384)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
print(vectors.shape)
print((vectors @ vectors.T).round(2))
