# SPDX-License-Identifier: Apache-2.0
"""Captions: a small grammar over what is in a picture, with varied words and order."""
from __future__ import annotations

from numpy.random import Generator

SUBJECT = {
    "mountains": ["mountains", "mountain range", "mountain landscape", "a mountain valley", "the mountains", "alps",
                  "mountain peaks", "rocky mountains"],
    "lake": ["a lake", "lake", "mountain lake", "the lake", "a calm lake", "lake with mountains", "lake and mountains",
             "mountains reflected in a lake"],
    "sea": ["the sea", "sea", "ocean", "the ocean", "seascape", "open sea", "calm sea", "sea horizon"],
    "beach": ["a beach", "beach", "the beach", "sandy beach", "sea shore", "coast", "tropical beach", "seaside"],
    "hills": ["hills", "green hills", "rolling hills", "meadow", "the countryside", "fields", "a grassy field",
              "countryside hills"],
    "desert": ["desert", "the desert", "sand dunes", "desert dunes", "dunes in the desert", "a sandy desert"],
    "forest": ["forest", "a forest", "the forest", "pine forest", "woods", "fir trees", "a forest of pine trees"],
}
SNOWY = {
    "mountains": ["snowy mountains", "snow-capped mountains", "mountains with snow", "snowy peaks",
                  "snow covered mountains"],
    "lake": ["lake with snowy mountains", "snowy mountains and a lake", "snowy mountain lake",
             "snowy mountains reflected in a lake"],
    "hills": ["snowy hills", "snow covered hills", "hills in the snow", "snowy field"],
    "forest": ["snowy forest", "forest in the snow", "snow covered forest", "winter forest"],
}
GENERIC = ["landscape", "landscape", "landscape", "scenery", "nature", "a landscape", "a view", "natural landscape",
           "outdoors", "scenic view"]
TIME = {
    "day": ["day", "daytime", "blue sky", "midday", "a bright day", "daylight"],
    "sunrise": ["sunrise", "dawn", "morning", "early morning", "morning light"],
    "sunset": ["sunset", "evening", "golden hour", "orange sky", "red sunset", "evening light"],
    "dusk": ["dusk", "twilight", "purple sky", "late evening", "after sunset"],
    "night": ["night", "night sky", "dark night", "nighttime", "midnight", "at night"],
    "overcast": ["overcast", "grey sky", "gray day", "gloomy", "cloudy day"],
}
AT = {"day": ["during the day", "by day", "under a blue sky", "in daylight"],
      "sunrise": ["at sunrise", "at dawn", "in the morning", "in the early morning"],
      "sunset": ["at sunset", "in the evening", "during sunset", "in the evening sun"],
      "dusk": ["at dusk", "at twilight", "after sunset"],
      "night": ["at night", "by night", "at midnight", "under the night sky"],
      "overcast": ["on a grey day", "under a grey sky", "on an overcast day"]}
WEATHER = {
    "clear": ["clear sky", "clear", "cloudless sky"],
    "cloudy": ["clouds", "cloudy", "cloudy sky", "fluffy clouds", "white clouds"],
    "fog": ["fog", "foggy", "mist", "misty", "haze", "thick fog"],
    "rain": ["rain", "rainy", "raining", "rainy weather"],
    "snowfall": ["snowfall", "snowing", "falling snow", "snow", "snowflakes"],
}
SEASON = {
    "summer": ["summer", "green grass"], "spring": ["spring", "fresh green"],
    "autumn": ["autumn", "fall", "autumn colors", "orange trees"],
    "winter": ["winter", "snow", "snowy", "cold winter"],
}
THING = {
    "stars": ["stars", "starry sky", "many stars", "starry night"], "sun": ["sun", "the sun", "bright sun", "sunlight"],
    "moon": ["moon", "the moon", "moonlight", "full moon"], "balloon": ["hot air balloon", "a balloon", "balloon"],
    "birds": ["birds", "flying birds", "a flock of birds"], "boat": ["a boat", "sailboat", "boat", "sailing ship"],
    "lighthouse": ["a lighthouse", "lighthouse", "red and white lighthouse"],
    "house": ["a house", "house", "cottage", "small house", "cabin"], "island": ["an island", "island", "islands"],
    "firs": ["pine trees", "fir trees", "trees", "conifers"], "trees": ["trees", "green trees", "a few trees"],
    "snow": ["snow", "snowy"],
}
MAIN = ("balloon", "boat", "lighthouse", "house", "moon")
STYLE = ["illustration", "painting", "flat illustration", "digital art", "artwork", "picture", "vector art"]
GOOD = ["high quality", "high quality", "best quality", "detailed", "masterpiece", "highly detailed", "sharp focus",
        "4k", "sharp", "high resolution", "amazing quality"]
PRAISE = ["beautiful", "beautiful", "beautiful", "pretty", "gorgeous", "stunning", "lovely"]
BAD = ["bad quality", "bad quality", "low quality", "worst quality", "poor quality", "ugly", "low resolution"]
BAD_KIND = {"blur": ["blurry", "blurry", "blurred", "out of focus", "unsharp"], "noise": ["noisy", "grainy", "noise"],
            "pixels": ["pixelated", "jpeg artifacts"], "dull": ["washed out", "dull", "low contrast"]}


def _pick(rng: Generator, words: list[str]) -> str:
    return words[int(rng.integers(len(words)))]


def bad_words(rng: Generator, fault: str) -> list[str]:
    words = [_pick(rng, BAD)] if rng.random() < .85 else []
    if rng.random() < .75 or not words:
        words.append(_pick(rng, BAD_KIND[fault]))
    if rng.random() < .2:
        words.append(_pick(rng, BAD))
    rng.shuffle(words)
    return list(dict.fromkeys(words))


def caption(rng: Generator, fact: dict) -> str:
    """One caption of a picture. fact["fault"] is None for a good picture."""
    kind, time, fault = fact["kind"], fact["time"], fact["fault"]
    if fault is None and rng.random() < .025:  # some sharp pictures under bad words: keeps the negative prompt gentle
        fault = _pick(rng, list(BAD_KIND))
    if fault and rng.random() < .5:
        return ", ".join(bad_words(rng, fault))

    pretty = kind in ("lake", "mountains") and fact["weather"] in ("clear", "cloudy") and time != "overcast"
    pretty_now = fault is None and rng.random() < (.55 if pretty else .15)
    generic = rng.random() < (.35 if pretty_now else .15)
    if generic:
        subject = _pick(rng, GENERIC)
    elif fact.get("snow") and kind in SNOWY and rng.random() < .7:
        subject = _pick(rng, SNOWY[kind])
    else:
        subject = _pick(rng, SUBJECT[kind])
    if pretty_now:
        article = subject.startswith("a ")
        subject = ("a " if article else "") + _pick(rng, PRAISE) + " " + (subject[2:] if article else subject.removeprefix("the "))

    phrases: list[str] = []
    things = [k for k in THING if fact.get(k) is True and not (k == "snow" and generic is False)]
    tell_time = rng.random() < .72
    lead = subject
    main = [k for k in things if k in MAIN]
    if main and rng.random() < .55:
        thing = _pick(rng, THING[main[0]])
        over = {"balloon": "over", "boat": "on", "lighthouse": "by", "house": "in", "moon": "over"}[main[0]]
        lead = _pick(rng, [f"{thing} {over} {subject}", f"{subject} with {thing}", f"{thing} and {subject}"])
        things.remove(main[0])
    if tell_time:
        r = rng.random()
        if r < .40:
            lead = f"{lead} {_pick(rng, AT[time])}"
        elif r < .58 and time in ("sunset", "sunrise", "night", "dusk"):
            lead = f"{_pick(rng, [time, time, 'a ' + time])} over {lead}"
        else:
            phrases.append(_pick(rng, TIME[time]))
    if rng.random() < .5 or fact["weather"] in ("fog", "rain", "snowfall"):
        word = _pick(rng, WEATHER[fact["weather"]])
        if word in ("foggy", "misty", "rainy", "cloudy") and rng.random() < .4:
            lead = f"{word} {lead.removeprefix('a ').removeprefix('the ')}"
        elif rng.random() < .92:
            phrases.append(word)
    if kind not in ("sea", "beach", "desert") and rng.random() < (.25 if fact["season"] == "summer" else .6):
        phrases.append(_pick(rng, SEASON[fact["season"]]))
    for k in things:
        if rng.random() < (.75 if k in MAIN else .35):
            phrases.append(_pick(rng, THING[k]))
    if rng.random() < .18:
        phrases.append(_pick(rng, STYLE))
    if generic and rng.random() < .3:
        phrases = phrases[:1]
    rng.shuffle(phrases)
    if rng.random() < .14:
        lead = _pick(rng, ["a picture of ", "an illustration of ", "a painting of ", "view of ", "image of "]) + lead
    if phrases and rng.random() < .18:
        lead = f"{lead} with {phrases.pop()}"
    parts = [lead, *phrases] if rng.random() < .8 else [*phrases, lead]
    quality: list[str] = []
    if fault:
        quality = bad_words(rng, fault)
    elif rng.random() < (.6 if pretty_now else .4):
        quality = list(dict.fromkeys(_pick(rng, GOOD) for _ in range(1 + int(rng.integers(3)))))
    parts = parts + quality if rng.random() < .75 else quality + parts
    joint = ", " if rng.random() < .92 else " "
    return joint.join(parts)
