"""Who pulls and pushes: bodies, gait, effort, fatigue, and what they do along the lane."""
