"""Confusion matrix, recall and F1 with torchmetrics."""

import torch
from torchmetrics.classification import MulticlassF1Score, MulticlassRecall
from torchmetrics.functional.classification import multiclass_confusion_matrix

truth = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
answers = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])

counts = multiclass_confusion_matrix(answers, truth, num_classes=3)  # answers first
print(counts.tolist(), "a row is a true class")

recall = MulticlassRecall(num_classes=3, average=None)(answers, truth)
print("recall", [round(value, 3) for value in recall.tolist()])

for average in ("macro", "micro"):
    f1 = MulticlassF1Score(num_classes=3, average=average)(answers, truth)
    print(f"{average} F1 {f1:.3f}")
