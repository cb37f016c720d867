"""Every call of the HTTP interface in words: what /openapi.json and /docs are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from ag_ui.core import RunAgentInput
from pydantic import BaseModel

from orchestrator.web import answers
from orchestrator.web.chat import ChatRequest
from orchestrator.web.inputs import ApprovalBody, ForkBody, MessageBody, PromptBody
from orchestrator.web.tokens import TokenRequest

ERRORS: Final = {
    400: "The request is not as described; `details` says where",
    401: "No key or token, or one that has expired",
    403: "The key is not known, or the token does not allow this",
    404: "Unknown, expired, or another caller's",
    409: "Another run of the project is unfinished, and `onConflict` is `reject`; or the run has ended, or is about "
    "to, or has not, or its question has been answered, or the "
    "step is not finished",
    413: "The body is too large",
    416: "The file has no such bytes",
    422: "The same key or run id came before with a different body",
    429: "Too many runs are unfinished; see Retry-After",
    503: "Redis does not answer or is full, or this process serves as many streams as it takes; see Retry-After",
}
Parameter = tuple[Literal["path", "query", "header"], str, str]
STREAM: Final = "text/event-stream"
ANY: Final = "*/*"
"""A file, as its name says."""

RUN: Final[Parameter] = ("path", "runId", "The run's id")
PROJECT: Final[Parameter] = ("path", "projectId", "The project's id")
FILE: Final[Parameter] = ("path", "path", "The file's path in the project")
FILE_BYTES: Final = "application/octet-stream"
ZIP: Final = "application/zip"
PAGE: Final[Parameter] = (
    "path",
    "path",
    "A path below the folder of the pages, after a token that can `preview`",
)
KEY: Final[Parameter] = ("header", "Idempotency-Key", "1 to 255 printable characters of the caller's")
CHAT: Final[Parameter] = ("path", "chatId", "The chat's id")
RESUME: Final[tuple[Parameter, ...]] = (
    ("header", "Last-Event-ID", "Go on after this event"),
    ("query", "after", "The same, for clients that cannot set headers"),
)
OLD_AI: Final[tuple[Parameter, ...]] = (
    ("header", "X-AI-SDK", "The version of the client's `ai` package; below 7 steps are shown when they are committed"),
    ("query", "ai", "The same"),
)


@dataclass(frozen=True)
class Call:
    method: Literal["get", "post", "delete"]
    path: str
    summary: str
    gives: dict[int, type[BaseModel] | str | None]
    """Status → the answer's model, a media type, or None for no body."""
    refuses: tuple[int, ...] = ()
    takes: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = field(default=())
    is_public: bool = False


CALLS: Final = (
    Call(
        "post",
        "/agent/run",
        "Start a run and watch it: server-sent events up to the terminal one. With `Accept: application/json` only "
        "start it. With an `Idempotency-Key` that came before, attach to the run that it started.",
        {200: STREAM, 202: answers.StartedAnswer},
        (400, 404, 409, 413, 422, 429, 503),
        takes=PromptBody,
        parameters=(KEY, *RESUME),
    ),
    Call(
        "get",
        "/agent/runs",
        "The caller's stored runs, the newest first. A page may hold fewer than `limit` where `status` leaves many "
        "out: go on while there is a `next`.",
        {200: answers.RunsAnswer},
        (400, 404, 503),
        parameters=(
            ("query", "projectId", "Only this project's"),
            ("query", "status", "Only these, with commas between them: `failed,timeout`"),
            ("query", "before", "The `next` of the page before; or milliseconds since the epoch"),
            ("query", "limit", "Runs of a page, 1 to 200; 50 unless given"),
        ),
    ),
    Call(
        "get",
        "/agent/run/{runId}/steps",
        "A run's steps with their attempts, as far as it has come",
        {200: answers.StepsAnswer},
        (404, 503),
        parameters=(RUN,),
    ),
    Call(
        "post",
        "/agent/run/{runId}/retry",
        "Go on with a run that has failed: a new run takes over all that it had finished, and begins with the step "
        "that was not. The same `Idempotency-Key` again: the same new run.",
        {202: answers.BranchAnswer},
        (404, 409, 422, 429, 503),
        parameters=(RUN, KEY),
    ),
    Call(
        "post",
        "/agent/run/{runId}/fork",
        "Go on from before a finished step in another way: a new run takes over what was finished until then, for "
        "which nothing is paid again, and does that step anew.",
        {202: answers.BranchAnswer},
        (400, 404, 409, 413, 422, 429, 503),
        takes=ForkBody,
        parameters=(RUN, KEY),
    ),
    Call(
        "delete",
        "/agent/run/{runId}",
        "Remove all that is stored of a run that has ended",
        {204: None},
        (404, 409, 503),
        parameters=(RUN,),
    ),
    Call("get", "/agent/run/{runId}", "A run's state", {200: answers.RunAnswer}, (404, 503), parameters=(RUN,)),
    Call(
        "get",
        "/agent/run/{runId}/events",
        "Watch a run. 204: its terminal event was seen before. With `Accept: text/event-stream` frames carry ids.",
        {200: STREAM, 204: None},
        (400, 404, 503),
        parameters=(RUN, *RESUME),
    ),
    Call(
        "get",
        "/agent/run/{runId}/poll",
        "Events as one page of JSON, waiting for the next one up to `wait` seconds",
        {200: answers.PageAnswer},
        (400, 404, 503),
        parameters=(RUN, *RESUME, ("query", "wait", "Seconds, up to 60")),
    ),
    Call(
        "post",
        "/agent/run/{runId}/cancel",
        "End a run. 202: it is cancelled, and says so ever after; 200: it had ended otherwise.",
        {202: answers.RunAnswer, 200: answers.RunAnswer},
        (404, 503),
        parameters=(RUN,),
    ),
    Call(
        "post",
        "/agent/run/{runId}/messages",
        "Tell a run something: the next model call reads it, once. The same `Idempotency-Key` again adds nothing.",
        {202: answers.MessageAnswer},
        (400, 404, 409, 413, 422, 503),
        takes=MessageBody,
        parameters=(RUN, KEY),
    ),
    Call(
        "post",
        "/agent/run/{runId}/approvals/{approvalId}",
        "Allow or forbid what a run has asked for with `approval-request`: it goes on. The model reads the reason.",
        {202: answers.ApprovalAnswer},
        (400, 404, 409, 413, 503),
        takes=ApprovalBody,
        parameters=(RUN, ("path", "approvalId", "The request's `approvalId`")),
    ),
    Call(
        "get",
        "/agent/run/{runId}/preview/",
        "The first of the pages that the run has made; without a token a browser is sent to the same with one",
        {200: ANY, 302: None},
        (404, 503),
        parameters=(RUN,),
    ),
    Call(
        "get",
        "/agent/run/{runId}/preview/{path}",
        "A file of them. Takes `Range`, `If-None-Match` and `If-Range`. Paths without a suffix that nothing is at show "
        "404.html, else index.html. 302: it is a folder.",
        {200: ANY, 206: ANY, 302: None, 304: None},
        (400, 404, 416, 503),
        parameters=(RUN, PAGE),
    ),
    Call(
        "get",
        "/agent/projects/{projectId}/preview/",
        "The same of what the project's latest run has saved",
        {200: ANY, 302: None},
        (404, 503),
        parameters=(PROJECT,),
    ),
    Call(
        "get",
        "/agent/projects/{projectId}/preview/{path}",
        "A file of it",
        {200: ANY, 206: ANY, 302: None, 304: None},
        (400, 404, 416, 503),
        parameters=(PROJECT, PAGE),
    ),
    Call(
        "post",
        "/agent/tokens",
        "A signed token for a page in a browser, for whoever has a key: it names a project or a run, and expires",
        {201: answers.TokenAnswer},
        (400, 404, 413, 503),
        takes=TokenRequest,
    ),
    Call(
        "get",
        "/agent/run/{runId}/diff",
        "What a run has changed against the project before it: each file with its sizes, and a unified diff of texts",
        {200: answers.DiffAnswer},
        (404, 503),
        parameters=(RUN,),
    ),
    Call(
        "get",
        "/agent/run/{runId}/files/{path}",
        "A file of a run, as its last finished step left it: text as `text/plain`, the rest to be saved",
        {200: FILE_BYTES, 304: None},
        (400, 404, 503),
        parameters=(RUN, FILE),
    ),
    Call(
        "get",
        "/agent/projects",
        "The caller's projects",
        {200: answers.ProjectsAnswer},
        (400, 503),
        parameters=(
            ("query", "limit", "Projects of a page, 1 to 200; 50 unless given"),
            ("query", "before", "The `next` of the page before"),
        ),
    ),
    Call(
        "get",
        "/agent/projects/{projectId}",
        "A project: its files, its runs, and what was done on it",
        {200: answers.ProjectAnswer},
        (400, 404, 503),
        parameters=(PROJECT,),
    ),
    Call(
        "delete",
        "/agent/projects/{projectId}",
        "Delete a project: its files, its history and its runs. Not while one of them is unfinished.",
        {204: None},
        (400, 404, 409, 503),
        parameters=(PROJECT,),
    ),
    Call(
        "get",
        "/agent/projects/{projectId}/files/{path}",
        "A file of a project: text as `text/plain`, the rest to be saved",
        {200: FILE_BYTES, 304: None},
        (400, 404, 503),
        parameters=(PROJECT, FILE),
    ),
    Call(
        "get",
        "/agent/projects/{projectId}.zip",
        "All files of a project, as a stream: the same bytes for the same files",
        {200: ZIP},
        (400, 404, 503),
        parameters=(PROJECT,),
    ),
    Call("get", "/agent/models", "The models that can be asked for", {200: answers.ModelsAnswer}),
    Call(
        "post",
        "/api/chat",
        "The AI SDK's `useChat`: start a run for the last user message, or attach to the one it has started. With an "
        "assistant's message whose approvals the user has responded to: answer its run, and get the rest of it",
        {200: STREAM},
        (400, 404, 409, 413, 422, 429, 503),
        takes=ChatRequest,
        parameters=OLD_AI,
    ),
    Call(
        "get",
        "/api/chat/{chatId}/stream",
        "The chat's latest answer from its start, also one that has ended. 204: none is stored.",
        {200: STREAM, 204: None},
        (400, 404, 503),
        parameters=(CHAT, *OLD_AI),
    ),
    Call(
        "post",
        "/api/chat/{chatId}/cancel",
        "Cancel the chat's latest run",
        {202: answers.ChatCancelAnswer, 200: answers.ChatCancelAnswer},
        (404, 503),
        parameters=(CHAT,),
    ),
    Call(
        "post",
        "/agui",
        "AG-UI: start the run that `runId` names in the project `threadId`, or attach to it. With `resume`: answer "
        "what a run asks for, and attach to that run",
        {200: STREAM},
        (400, 404, 409, 413, 422, 429, 503),
        takes=RunAgentInput,
    ),
    Call("get", "/metrics", "What the processes of this machine have counted, for Prometheus", {200: "text/plain"}),
    Call("get", "/healthz", "This process lives", {200: answers.LiveAnswer}, is_public=True),
    Call(
        "get",
        "/readyz",
        "It can do its work, or which part cannot and why",
        {200: answers.ReadyAnswer},
        (503,),
        is_public=True,
    ),
)
