import { useCallback, useEffect, useRef, useState } from 'react'

import { useLive } from '../../api/use-live.ts'
import { type LogLine, mergeLines } from './log-rows.ts'

/** Lines are added in batches, so that a flood costs one drawing and not thousands (UI-803). */
const BATCH_MS = 50
/** What one page holds of a log; older lines fall away. */
const MAX_LINES = 200_000

interface LogStream {
  readonly lines: readonly LogLine[]
  /** The server ended the log: no more lines will come. */
  readonly ended: boolean
  /** The stream is up. */
  readonly up: boolean
}

/**
 * Follows a log from its beginning; after a loss it goes on behind the last line it has (UI-320).
 *
 * @param key which log; undefined follows nothing and keeps what is there.
 * @param path address of the stream behind line `after` (0: from the start).
 * @param parse lines of a frame.
 */
export function useLogStream(
  key: string | undefined,
  path: (after: number) => string,
  parse: (frame: unknown) => readonly LogLine[],
): LogStream {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const [ended, setEnded] = useState(false)
  const held = useRef<{ waiting: LogLine[]; last: number; timer: ReturnType<typeof setTimeout> | undefined }>(
    {
      waiting: [],
      last: 0,
      timer: undefined,
    },
  )

  const flush = useCallback(() => {
    const state = held.current
    state.timer = undefined
    const more = state.waiting
    state.waiting = []
    if (more.length > 0) setLines((before) => mergeLines(before, more).slice(-MAX_LINES))
  }, [])
  useEffect(() => {
    if (key === undefined) return
    const state = held.current
    state.waiting = []
    state.last = 0
    setLines([])
    setEnded(false)
    return () => {
      clearTimeout(state.timer)
      state.timer = undefined
    }
  }, [key])

  const up = useLive(key, {
    path: () => path(held.current.last),
    onMessage: (frame) => {
      const state = held.current
      for (const line of parse(frame)) {
        state.waiting.push(line)
        state.last = Math.max(state.last, line.id)
      }
      state.timer ??= setTimeout(flush, BATCH_MS)
    },
    isEnd: (event) => {
      if (event.code !== 1000) return false
      flush()
      setEnded(true)
      return true
    },
  })
  return { lines, ended, up }
}
