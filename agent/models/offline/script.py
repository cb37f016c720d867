"""What the offline model says next: a pure function of the conversation so far.

new project:  write → test → read what failed → repair → test again → summary
existing one: read → change → test → summary
"""

from __future__ import annotations

from collections.abc import Sequence

from agent import prompts
from agent.messages import Message, ModelReply, ToolCall
from agent.models.offline import follow_up
from agent.models.offline.conversation import Conversation, calling
from agent.models.offline.projects import Project, choose, first_version

NO_TEST = "No command can be run here, so the test was not run: please run `python3 {test}` yourself."

NO_NEXTJS = f"{prompts.NOTHING_TO_DO} this script builds static pages and Python programs only. Use a language model."


def next_reply(messages: Sequence[Message]) -> ModelReply:
    talk = Conversation(messages)
    if talk.existing:
        return follow_up.next_reply(talk)
    if talk.template == "nextjs":
        return calling(NO_NEXTJS)
    return _new_project(talk, choose(f"{talk.request} {talk.template}"))


def _new_project(talk: Conversation, project: Project) -> ModelReply:
    match talk.results:
        case []:
            return _write(talk.request, project)
        case [_]:
            return calling("Now its test.", _test(project))
        case [_, test] if test.was_refused:
            return _summary(project, NO_TEST.format(test=project.test))
        case [_, test] if test.has_passed:
            return _summary(project, "Its test passes.")
        case [_, test] if project.slip.sign in test.content:
            look = ToolCall(id="look", name="readFiles", args={"files": [project.slip.path]})
            return calling(f"The test fails, and points at `{project.slip.path}`. I look at it.", look)
        case [_, _, source]:
            return _repair(project, source.without_numbers())
        case [_, _, _, _]:
            return calling("The test again.", _test(project))
        case [_, _, _, _, test] if test.has_passed:
            return _summary(
                project,
                f"The test failed at first: {project.slip.cause}. That is repaired, and now the test passes. "
                "(The slip is part of this demonstration; the test that found it is real.)",
            )
    return _summary(project, "Its test fails, and this script does not know how to repair that; see its output above.")


def _write(request: str, project: Project) -> ModelReply:
    files = [{"path": path, "content": text} for path, text in first_version(project, request).items()]
    text = f"I will build {project.about}, in plain files without dependencies, together with a test."
    return calling(text, ToolCall(id="write", name="createOrUpdateFiles", args={"files": files}))


def _test(project: Project) -> ToolCall:
    return ToolCall(id="test", name="terminal", args={"command": f"python3 {project.test}"})


def _repair(project: Project, shown: str) -> ModelReply:
    slip = project.slip
    source = shown.removeprefix(f"==> {slip.path} <==\n").replace(slip.wrong, slip.right) + "\n"
    files = [{"path": slip.path, "content": source}]
    text = f"There it is: {slip.cause}. I repair that."
    return calling(text, ToolCall(id="repair", name="createOrUpdateFiles", args={"files": files}))


def _summary(project: Project, tested: str) -> ModelReply:
    return calling(f"Done: {project.about}. {tested}\n\n{project.use}")
