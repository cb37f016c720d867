// Made by `python -m tools.event_docs` from orchestrator/event_types.py.

/** What stands around `data` in every event. */
interface Envelope<Type extends string, Data> {
  /** 1, 2, 3 … per run; a `gap` has none. */
  id: number;
  runId: string;
  type: Type;
  data: Data;
  /** Milliseconds since the epoch. */
  timestamp: number;
  step: string;
  attempt: number;
  /** Beside a `data` that was cut. */
  truncated?: boolean;
  /** Of `error`: `failed`, `refused`, `cancelled`, `timeout` or `lost`. */
  code?: string;
  /** Of an `error` with the code `cancelled`: what had been done. */
  receipt?: { stepsDone: string[]; stepInterrupted: string | null; filesWritten: string[] };
}

/** something a person should know. The first one says which model works, and for the offline model that it is a script */
export type StatusEvent = Envelope<"status", string>;

/** a model call (`stage: "model"`) or a check (`"check"`) begins; `usage` is what the run has used before it */
export type ProgressEvent = Envelope<"progress", { stage: string; turn: number; maxTurns: number; usage: { inputTokens: number; outputTokens: number; cachedTokens?: number; abandoned?: number; cost?: number } }>;

/** beside `progress`, where the run has a deadline */
export type TimeBudgetEvent = Envelope<"time-budget", { remaining: number; stage: string }>;

/** a piece of the model's text; pieces join without anything between them */
export type TextEvent = Envelope<"text", string>;

/** a piece of what the model thinks before it answers, where its endpoint shows that; never part of `text` */
export type ReasoningEvent = Envelope<"reasoning", string>;

/** the user's words during the run; the next model call gets them */
export type UserMessageEvent = Envelope<"user-message", { value: string; messageId?: string | null }>;

/** a tool is about to run; `callId` is unique in the run */
export type ToolCallEvent = Envelope<"tool-call", { tool: string; args: Record<string, unknown>; callId: string }>;

/** the call of `callId` waits until somebody allows or forbids it, for days */
export type ApprovalRequestEvent = Envelope<"approval-request", { approvalId: string; callId: string; tool: string; args: Record<string, unknown> }>;

/** somebody did; `reason` in their words */
export type ApprovalAnswerEvent = Envelope<"approval-answer", { approvalId: string; allow: boolean; reason?: string | null }>;

/** output of a command as it comes. At most 256 KiB for each command */
export type ToolOutputEvent = Envelope<"tool-output", { source: "stdout" | "stderr"; chunk: string; callId: string }>;

/** the tool has ended; `note` is a few words such as `exit code 1` */
export type ToolResultEvent = Envelope<"tool-result", { callId: string; ok: boolean; note: string; elapsed: number }>;

/** after the tool that made the file */
export type FileCreatedEvent = Envelope<"file-created", { path: string; content: string; size: number; truncated?: boolean; binary?: boolean }>;

/** after the tool that changed the file */
export type FileUpdatedEvent = Envelope<"file-updated", { path: string; content: string; size: number; truncated?: boolean; binary?: boolean }>;

/** after the tool that deleted the file; `reason` where the file is there and not kept any more */
export type FileDeletedEvent = Envelope<"file-deleted", { path: string; reason?: string | null }>;

/** path → content, once, at the end: all text files; above `EVENTS_MAX_BYTES` cut (whole, up to 2 MB, in `complete`) */
export type FilesEvent = Envelope<"files", Record<string, string>>;

/** an attempt failed or was cut off: discard the events of `step` from `fromId` to `toId`; where it failed, a `status` after it says when another follows */
export type RollbackEvent = Envelope<"rollback", { step: string; attempt: number; fromId: number; toId: number; reason: string }>;

/** ends the run; `code` stands beside `data`: `failed`, `refused`, `cancelled`, `timeout` or `lost` */
export type ErrorEvent = Envelope<"error", string>;

/** ends the run */
export type CompleteEvent = Envelope<"complete", { outcome: "done" | "partial" | "nothing-to-do"; missing?: string | null; url: string | null; title: string; files: Record<string, string>; manifest?: Record<string, { size: number; hash: string }>; unnamed?: number; summary: string; sandboxId: string | null; framework: string; usage: { inputTokens: number; outputTokens: number; cachedTokens?: number; abandoned?: number; cost?: number }; deliveries?: Array<{ to: string; delivered: boolean; reason?: string | null }> | null }>;

/** those events are no longer stored; a frame without an `id`, never in the log */
export type GapEvent = Envelope<"gap", { fromId: number; toId: number }>;

export type RunwireEvent =
  | StatusEvent
  | ProgressEvent
  | TimeBudgetEvent
  | TextEvent
  | ReasoningEvent
  | UserMessageEvent
  | ToolCallEvent
  | ApprovalRequestEvent
  | ApprovalAnswerEvent
  | ToolOutputEvent
  | ToolResultEvent
  | FileCreatedEvent
  | FileUpdatedEvent
  | FileDeletedEvent
  | FilesEvent
  | RollbackEvent
  | ErrorEvent
  | CompleteEvent
  | GapEvent;
