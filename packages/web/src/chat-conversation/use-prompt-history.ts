import { useRef } from 'react'

/** Goes through what the user has sent before (UI-1123). */
interface PromptHistory {
  /** The one before, or undefined when there is none. */
  readonly older: (current: string) => Promise<string | undefined>
  /** The one after; in the end what was there before it began. */
  readonly newer: () => string | undefined
  /** What was there before it began; undefined when it has not. */
  readonly cancel: () => string | undefined
  /** Somebody types: it is over. */
  readonly end: () => void
  readonly active: () => boolean
}

/** `load` gives prompts, the newest first; they are asked for once, when they are first wanted. */
export function usePromptHistory(load: (() => Promise<readonly string[]>) | undefined): PromptHistory {
  const state = useRef<{ prompts: readonly string[]; at: number; before: string } | undefined>(undefined)
  return {
    older: async (current) => {
      if (state.current === undefined) {
        if (load === undefined) return undefined
        state.current = { prompts: await load(), at: -1, before: current }
      }
      const next = state.current.prompts[state.current.at + 1]
      if (next !== undefined) state.current.at++
      else if (state.current.at < 0) state.current = undefined
      return next
    },
    newer: () => {
      const now = state.current
      if (now === undefined) return undefined
      now.at--
      if (now.at >= 0) return now.prompts[now.at]
      state.current = undefined
      return now.before
    },
    cancel: () => {
      const before = state.current?.before
      state.current = undefined
      return before
    },
    end: () => {
      state.current = undefined
    },
    active: () => state.current !== undefined,
  }
}
