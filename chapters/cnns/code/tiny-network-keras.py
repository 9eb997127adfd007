import tensorflow as tf  # beneath Keras; it records what is computed on a tape

x, t = tf.constant([[1.0, 3.0]]), 1.5
W1 = tf.Variable([[0.5, -1.0], [0.5, 0.5]])
b1 = tf.Variable([-0.5, 0.0])
w2 = tf.Variable([3.0, -2.0])
b2 = tf.Variable(0.5)

with tf.GradientTape() as tape:
    h = tf.nn.relu(x @ W1 + b1)
    y = tf.reduce_sum(h * w2) + b2
    loss = (y - t) ** 2
gradients = tape.gradient(loss, [W1, b1, w2, b2])  # one backward pass

for name, gradient in zip(("W1", "b1", "w2", "b2"), gradients):
    print(name, gradient.numpy().tolist())
