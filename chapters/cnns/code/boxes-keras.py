"""Boxes in Keras: IoU, suppression, and suppression in each class by itself."""

import numpy as np
import tensorflow as tf
from keras.utils.bounding_boxes import compute_iou

boxes = np.array([[0, 0, 20, 20], [5, 0, 25, 20], [2, 1, 22, 21]], np.float32)
scores = np.array([0.6, 0.9, 0.8], np.float32)
labels = np.array([0, 0, 1])

for row in np.asarray(compute_iou(boxes, boxes, "xyxy")):
    print("IoU", " ".join(f"{value:.2f}" for value in row))
y_first = boxes[:, [1, 0, 3, 2]]  # TensorFlow wants y0, x0, y1, x1
kept = tf.image.non_max_suppression(y_first, scores, 10, 0.5)
print("all together:", kept.numpy().tolist())
apart = y_first + 100 * labels[:, None]  # boxes of two classes never meet
kept = tf.image.non_max_suppression(apart, scores, 10, 0.5)
print("by class:", kept.numpy().tolist())
