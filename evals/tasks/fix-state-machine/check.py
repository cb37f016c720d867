import machine

state, seen = "start", []
for _ in range(300):
    seen.append(state)
    state = machine.step(state, "next")
assert state == "end" and len(set(seen)) == 300, (state, len(set(seen)))
assert machine.run("start", 300) == "end"
assert machine.step("s17", "stay") == "s17" and machine.step("s203", "back") == "s202"
