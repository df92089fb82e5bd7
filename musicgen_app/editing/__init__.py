"""What is done to a recording: it is continued, played again in part, varied, ended, or gets another part.

edit        an edit as data: kind, regions, length, strength
source      the recording, with what is known of it: its plan, its prompt
hearing     what is heard in a recording that nobody wrote down: its plan
preparation a recording, an edit and a request, checked: plan, timeline, prompt
timeline    where the recording lies on the new timeline, and which stretches of that are made
bars        bar lines, and plans with other chords in some bars
passages    the parts of the timeline that go through the model: encoded, sampled beside what is kept, decoded
splice      what was made, in the place of what was there
layers      parts on one plan, and their sum
making      strings them together: what `Engine.edit` and `Engine.layers` do
"""
