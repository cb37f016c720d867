def check(project):
    seen, rest = project.answers("""
import machine

state, seen = "start", []
for _ in range(300):
    seen.append(state)
    state = machine.step(state, "next")
rest = [state, machine.run("start", 300), machine.step("s17", "stay"), machine.step("s203", "back")]
answers += [seen, rest]
""")
    assert seen == ["start", *(f"s{number}" for number in range(1, 300))] and rest == ["end", "end", "s17", "s202"]
