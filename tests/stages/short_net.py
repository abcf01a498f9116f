"""MobileNetV2 with every stage one block long, not one to four: it compiles in a third of the time."""

from sortline.backbones import mobilenet_v2

SHORT = tuple((expansion, channels, 1, stride) for expansion, channels, _, stride in mobilenet_v2.SETTINGS)
