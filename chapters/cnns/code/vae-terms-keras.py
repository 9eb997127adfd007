"""The two terms of the loss in Keras, and the gradient through the draw."""

import tensorflow as tf

mean = tf.Variable([[0.0, 1.0], [2.0, -1.0]])  # (n, k)
log_var = tf.Variable([[0.0, -2.0], [1.0, 0.0]])
noise = tf.constant([[1.0, -1.0], [0.5, 2.0]])  # else tf.random.normal((2, 2))
x = tf.constant([[0.0, 1.0], [1.0, 0.0]])  # two images of two pixels

with tf.GradientTape() as tape:
    z = mean + tf.exp(log_var / 2) * noise
    logits = 3 * z  # a very small decoder
    pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
    kl = 0.5 * (mean**2 + tf.exp(log_var) - 1 - log_var)
    loss = tf.reduce_mean(tf.reduce_sum(pixels + kl, axis=1))
gradients = tape.gradient(loss, [mean, log_var])

print("reconstruction", [round(v, 3) for v in tf.reduce_sum(pixels, 1).numpy().tolist()])
print("KL            ", [round(v, 3) for v in tf.reduce_sum(kl, 1).numpy().tolist()])
for name, part in zip(("mean   ", "log_var"), gradients):
    print("gradient for", name, tf.cast(part, "float64").numpy().round(3).tolist())
