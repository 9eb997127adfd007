"""Confusion matrix, recall and F1 with Keras and TensorFlow."""

import keras
import numpy as np
import tensorflow as tf

truth = np.array([0, 0, 0, 0, 1, 1, 2, 2])
answers = np.array([0, 0, 0, 1, 1, 2, 2, 2])

counts = tf.math.confusion_matrix(truth, answers).numpy()  # truth first
print(counts.tolist(), "a row is a true class")

one_hot = [keras.utils.to_categorical(labels, 3) for labels in (truth, answers)]
recall = [keras.metrics.Recall(class_id=k)(*one_hot) for k in range(3)]
print("recall", [round(float(value), 3) for value in recall])

for average in ("macro", "micro"):
    f1 = keras.metrics.F1Score(average=average)(*one_hot)
    print(f"{average} F1 {float(f1):.3f}")
