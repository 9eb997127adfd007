"""Five ways to train MobileNetV2 on ten new classes: what each of them may change."""

import keras
from gpulab import transfer


def trainable(model: keras.Model) -> str:
    return f"{sum(row.trainable for row in transfer.parameters(model)):>9,}"


keras.utils.set_random_seed(0)
model = transfer.load("mobilenet-v2", "keras", classes=10)
transfer.freeze(model)
print("frozen, or the probe:", trainable(model))

transfer.unfreeze(model, "stem")  # from this stage on; BatchNorm stays frozen
print("full, LP-FT, gradual:", trainable(model))
rates = transfer.group_rates(model, 1e-3, decay=0.9)  # for fit(optimizer=rates)
print(*(f"{name} {rates.rates[name]:.5f}" for name in ("head", "top", "stem")))

transfer.lora(model, rank=8, alpha=16)
print("LoRA:                ", trainable(model))
transfer.merge_lora(model)
print("merged:", sum(row.parameters for row in transfer.parameters(model)))
