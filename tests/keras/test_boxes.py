"""The NumPy boxes agree with Keras and TensorFlow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from keras.utils.bounding_boxes import compute_iou

from gpulab.data import scenes
from gpulab.vision import iou, nms


def test_iou_and_nms_are_those_of_keras_and_tensorflow() -> None:
    some = scenes(60)
    boxes = some.boxes[some.labels >= 0]
    scores = (np.random.default_rng(0).permutation(len(boxes)) / len(boxes)).astype(np.float32)
    assert np.allclose(iou(boxes, boxes), compute_iou(boxes, boxes, "xyxy"), atol=1e-5)
    for threshold in (0.2, 0.45, 0.8):
        right = tf.image.non_max_suppression(boxes[:, [1, 0, 3, 2]], scores, len(boxes), threshold)
        assert nms(boxes, scores, threshold).tolist() == right.numpy().tolist()
