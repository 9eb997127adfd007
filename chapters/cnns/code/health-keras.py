import math

import keras
import numpy as np
import tensorflow as tf
from gpulab.data import load
from keras import layers

digits = load("digits")
x, y = digits.train.x[::50], digits.train.y[::50]  # 70 images of all classes
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(*more, drop=0.5):
    keras.utils.set_random_seed(0)
    hidden = [layers.Flatten(), layers.Dense(64, "relu"), layers.Dropout(drop)]
    inputs = keras.Input((28, 28, 1))
    return keras.Sequential([inputs, *hidden, layers.Dense(10), *more])


def first_loss(model, x):  # a fresh network knows nothing
    return abs(float(cross_entropy(y, model(x))) - math.log(10)) < 0.5


def same_twice(measure):  # a measurement has no chance in it
    return np.array_equal(measure(x), measure(x))


def same_gradient(gradient):  # same weights, same batch
    return np.allclose(gradient(), gradient())


def one_batch(model):  # the network can learn 70 images by heart
    model.compile(keras.optimizers.Adam(1e-2), cross_entropy)
    history = model.fit(x, y, batch_size=70, epochs=60, verbose=0).history
    return history["loss"][-1] < 0.1


def apart(train, valid):  # no image is in both parts
    return not {i.tobytes() for i in train} & {i.tobytes() for i in valid}


def clean():
    with tf.GradientTape() as tape:
        loss = cross_entropy(y, model(x))
    return tape.gradient(loss, model.trainable_variables)[0].numpy()


total = []


def adding():  # a list that is never emptied
    total.append(clean())
    return sum(total)


def in_training(x):
    return model(x, training=True)


def show(test, healthy, fault, broken):
    print(f"{test:14} healthy: {healthy}   {fault}: {broken}")


model, plain = network(), network(drop=0.0)
twice = network(layers.Softmax(), layers.Rescaling(1.0), drop=0.0)
a, b = digits.train.x, digits.valid.x
bright = first_loss(model, 255 * x)
show("first loss", first_loss(model, x), "inputs to 255", bright)
show("same twice", same_twice(model), "training=True", same_twice(in_training))
show("same gradient", same_gradient(clean), "they add up", same_gradient(adding))
show("one batch", one_batch(plain), "softmax at the end", one_batch(twice))
show("apart", apart(a, b), "one image in both", apart(a, [*b, a[7]]))
