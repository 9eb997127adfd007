"""Boxes in PyTorch: IoU, suppression, and suppression in each class by itself."""

import torch
from torchvision.ops import batched_nms, box_iou, nms

boxes = torch.tensor([[0.0, 0, 20, 20], [5, 0, 25, 20], [2, 1, 22, 21]])
scores = torch.tensor([0.6, 0.9, 0.8])
labels = torch.tensor([0, 0, 1])

for row in box_iou(boxes, boxes):
    print("IoU", " ".join(f"{value:.2f}" for value in row))
print("all together:", nms(boxes, scores, 0.5).tolist())
print("by class:", batched_nms(boxes, scores, labels, 0.5).tolist())
