"""Words with two senses, each in ten sentences written for this course (CC0): what does a vector of a word know?

>>> word, sense, sentence = SENTENCES[0]
>>> word, sense, sentence
('bank', 'money', 'The bank lent us the money for the house.')
"""

from __future__ import annotations

_TEXT = """
bank money
The bank lent us the money for the house.
She opened an account at the bank in town.
He works as a clerk in a small bank.
Our bank raised its interest rates again.
They paid the check into the bank on Friday.
bank river
We had a picnic on the bank of the river.
The boat was tied to the muddy bank.
Willows grow along the bank of the stream.
The swimmer reached the far bank at last.
Otters dig their dens into the bank.
bat animal
A bat flew out of the cave at dusk.
The bat hangs upside down while it sleeps.
This small bat eats hundreds of insects a night.
We heard a bat squeak under the roof.
The wings of a bat are thin skin.
bat sport
He hit the ball with a wooden bat.
She swung the bat and missed.
The coach bought a new bat for the team.
The player broke his bat in the last game.
Hold the bat with both hands.
light lamp
She turned on the light in the kitchen.
The light of the moon fell on the snow.
A bright light shone through the window.
Plants need light to grow.
The street light went out.
light weight
The box was light enough for a child to carry.
Take a light jacket, it is warm outside.
We ate a light lunch of salad and bread.
The new bicycle is very light and fast.
Aluminum is a light metal.
spring season
The garden is full of flowers in spring.
Last spring it rained for weeks.
The birds come back every spring.
We plant the seeds in early spring.
After a cold winter, spring came late.
spring coil
The spring in the mattress is broken.
A spring pushes the lid open.
He stretched the metal spring too far.
The clock is driven by a coiled spring.
Press the button and the spring is released.
match game
Our team won the match by two goals.
The match was stopped because of the rain.
She watched the tennis match on television.
He scored late in the final match.
Tickets for the match were sold out.
match fire
He struck a match and lit the candle.
The match burned down to his fingers.
She looked for a match to start the stove.
A wet match will not burn.
Blow out the match before you drop it.
nail finger
She painted every nail red.
He bit his nail while he waited.
A broken nail can hurt for days.
The nail of her thumb was too long.
Dirt had gathered under each nail.
nail metal
He drove the nail into the wall with a hammer.
The picture hangs on a nail.
A rusty nail stuck out of the board.
The tire was flat because of a nail.
The carpenter bent the nail by accident.
"""


def _read(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return (word, sense, sentence) for each sentence; a line without a period names word and sense."""
    found, word, sense = [], "", ""
    for line in text.strip().splitlines():
        if line.endswith("."):
            found.append((word, sense, line))
        else:
            word, sense = line.split()
    return tuple(found)


SENTENCES = _read(_TEXT)
