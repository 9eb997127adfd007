"""Parameters of landmark networks in Keras, built without weights."""

import keras
from keras import applications

for name in ("VGG16", "InceptionV3", "ResNet50", "EfficientNetB0"):
    with keras.StatelessScope():  # shapes only, no numbers
        net = getattr(applications, name)(weights=None)
        learned = sum(w.shape.num_elements() for w in net.trainable_weights)
        print(f"{name:15} {net.count_params():11,}, of which {learned:11,} learned")
