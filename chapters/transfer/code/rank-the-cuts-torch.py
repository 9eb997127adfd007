"""Scores for three places to cut one network, in PyTorch."""

from gpulab import transfer
from gpulab.data import load
from gpulab.transfer import scores
from gpulab.transfer.own import resized

photos = load("photos").train
x, y = resized(photos.x, 64), photos.y
model = transfer.load("mobilenet-v2", "torch")
logme = {}
for stage in ("block3", "block13", "pool"):
    f = transfer.features(model, x, at=stage)
    logme[stage] = scores.logme(f, y)
    near, spread = scores.knn(f, y), scores.h_score(f, y, shrink=True)
    print(f"{stage:8} {f.shape[1]:5} features, LogME {logme[stage]:.2f},", end=" ")
    print(f"H-score {spread:.1f}, neighbors {near:.1f}")
print("cut after", max(logme, key=logme.get))
