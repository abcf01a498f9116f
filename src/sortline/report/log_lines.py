"""The wordings of losses, times, speeds and accuracies in training logs: MindSpore's, its relatives' and sortline's."""

import re

NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)"
PLAIN = r"\d{1,15}\.?\d{0,30}"
PLACE = r"\[?\s*(?P<{0}>\d{{1,12}})(?:\s*/\s*\d+)?\]?"  # 12, [12] or [ 12/ 23]
# epoch: 1 step: 18810, loss is 0.78
# epoch: 1, step: 1, loss: 2.3
# epoch: 1 step: 1, loss is Tensor(shape=[], dtype=Float32, value= 0.66)
# Epoch:[  0/ 10], step:[  1/ 1875], loss:[2.30/2.30]
# epoch: 1 step: 5. Invalid loss, terminating training.
LOSS = (
    rf"epoch\s*:\s*{PLACE.format('epoch')}[\s,]*step\s*:?\s*{PLACE.format('step')}\s*"
    rf"(?:,\s*loss\s*(?:is|:)\s*(?:tensor\([^)]{{0,200}}?value=)?[\s\[(]*(?P<loss>{NUMBER})"
    r"|(?P<invalid>\.\s*invalid loss))"
)
# epoch[28/30], iter[81] cost: 2465.107, per step time: 30.433, avg loss: 0.760     (a whole epoch; ms)
WHOLE = (
    rf"epoch\s*\[\s*(?P<whole_epoch>\d{{1,12}})\s*/\s*\d+\s*\]\s*,\s*iter\s*\[\s*(?P<iterations>\d{{1,12}})\s*\]\s*"
    rf"cost\s*:\s*(?P<cost>{PLAIN})\s*,\s*per step time\s*:\s*(?P<cost_step>{PLAIN})\s*,"
    rf"\s*avg loss\s*:\s*(?P<average>{NUMBER})"
)
# Train epoch time: 8617.408 ms, per step time: 4.596 ms (data time: 0.1 ms)
# Epoch time: 213856.477, per step time: 5216.012     (ms, too)
TIME = (
    rf"(?P<eval>eval\s+)?epoch time\s*:?\s*(?P<time>{PLAIN})(?:\s*(?P<unit>ms|s)\b|(?=\s*(?:,|$)))"
    rf"(?:,\s*per step time\s*:?\s*(?P<step_time>{PLAIN})(?:\s*(?P<step_unit>ms|s)\b)?)?"
)
# ..., time:[2933.124], lr:[0.030]     (of this step; ms)
STEP = rf",\s*time\s*:\s*\[?\s*(?P<this_step>{PLAIN})(?:\s*ms\b|(?=\s*[\],]))"
# train samples per second of cluster: 1183.2
SAMPLES = rf"samples per second(?:\s+of cluster)?\s*:\s*(?P<samples>{PLAIN})"
# train accuracy: 0.9312, oof accuracy: 0.8714     (sortline's own)
ACCURACY = rf"\b(?P<part>train|oof|val) accuracy\s*:\s*(?P<accuracy>{PLAIN})"
# The patterns are quick only where blanks and digits come in small numbers.
BLANKS = re.compile(r"\s{20,}")
ENTRY = re.compile("|".join((LOSS, WHOLE, TIME, STEP, SAMPLES, ACCURACY)), re.IGNORECASE)
MEANT = re.compile(r"loss is|epoch\s*:|epoch time", re.IGNORECASE)
