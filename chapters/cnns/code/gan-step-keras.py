"""The two losses of a GAN in Keras, and who gets a gradient."""

import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(0)
generator = keras.Sequential([keras.Input((4,)), layers.Dense(6)])
discriminator = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
real, z = tf.ones((5, 6)), tf.random.normal((5, 4))
everybody = generator.trainable_variables + discriminator.trainable_variables

fake = generator(z)  # outside the tape
with tf.GradientTape() as tape:
    on_real, on_fake = discriminator(real), discriminator(fake)
    d_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_fake))
first = tape.gradient(d_loss, everybody)[0]
print("after the discriminator's loss, the generator's gradient is", first)

with tf.GradientTape() as tape:  # "call my fakes real"
    g_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(generator(z))))
gradients = tape.gradient(g_loss, everybody)
for name, place in (("generator", 0), ("discriminator", 2)):
    there = float(tf.reduce_sum(tf.abs(gradients[place]))) > 0
    print(f"after the generator's loss, {name}:", there)
