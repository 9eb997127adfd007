import keras
import tensorflow as tf

logits = tf.Variable([[2.0, 1.0, 0.0]])
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
with tf.GradientTape() as tape:
    loss = cross_entropy(tf.constant([0]), logits)
gradient = tape.gradient(loss, logits)
print("loss:    ", round(float(loss), 4))
print("gradient:", [round(value, 4) for value in gradient[0].numpy().tolist()])
