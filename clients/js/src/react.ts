/** A run in a React component. */
import { useEffect, useState } from "react";
import { Fold, type Run, type RunState } from "./runwire.js";

export interface Watched {
  state: RunState;
  /** The run goes on. */
  isLive: boolean;
  /** What ended the watching before the run did. */
  error: unknown;
}

/** Watch `run` while the component is mounted; null watches nothing. Keep the same `Run` between two renderings. */
export function useRun(run: Run | null): Watched {
  const [watched, setWatched] = useState(nothing);
  useEffect(() => {
    setWatched({ ...nothing(), isLive: run !== null });
    if (run === null) return;
    const leaving = new AbortController();
    const follow = async () => {
      for await (const state of run.states({ signal: leaving.signal })) {
        if (!leaving.signal.aborted) setWatched({ state, isLive: state.end === null, error: null });
      }
    };
    follow().catch((error: unknown) => {
      if (!leaving.signal.aborted) setWatched((last) => ({ ...last, isLive: false, error }));
    });
    return () => leaving.abort();
  }, [run]);
  return watched;
}

function nothing(): Watched {
  return { state: new Fold().state, isLive: false, error: null };
}
