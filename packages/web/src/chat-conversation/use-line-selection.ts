import { type KeyboardEvent, type PointerEvent, useState } from 'react'

import type { DiffLine } from './line-diff.ts'

type Chosen = readonly [first: number, last: number]

/** Lines of a diff that somebody points at: with mouse, touch, or keys in the focused diff (UI-1146). */
export interface Selection {
  readonly enabled: boolean
  readonly chosen: Chosen | undefined
  /** The lines are chosen, and a comment is written. */
  readonly writing: boolean
  readonly has: (index: number) => boolean
  readonly clear: () => void
  readonly gutter: (index: number) => {
    readonly 'data-line': number
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void
    readonly onPointerUp: () => void
  }
  readonly onKeyDown: ((event: KeyboardEvent) => void) | undefined
}

export function useLineSelection(lines: readonly DiffLine[], enabled: boolean): Selection {
  const [chosen, setChosen] = useState<Chosen>()
  const [writing, setWriting] = useState(false)
  const clear = () => {
    setChosen(undefined)
    setWriting(false)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      const [first, last] = chosen ?? [-1, step === 1 ? -1 : lines.length]
      let next = last + step
      while (lines[next]?.kind === 'gap') next += step
      if (lines[next] === undefined) return
      setChosen(event.shiftKey && chosen !== undefined ? [first, next] : [next, next])
    } else if (event.key === 'Enter' && chosen !== undefined) setWriting(true)
    else if (event.key === 'Escape' && chosen !== undefined) clear()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return {
    enabled,
    chosen,
    writing,
    clear,
    has: (index) => chosen !== undefined && index >= Math.min(...chosen) && index <= Math.max(...chosen),
    gutter: (index) => ({
      'data-line': index,
      onPointerDown: (event) => {
        event.preventDefault()
        event.currentTarget.setPointerCapture(event.pointerId)
        // A second tap, or one with Shift, goes on from what is chosen.
        setChosen(chosen !== undefined && (event.shiftKey || writing) ? [chosen[0], index] : [index, index])
      },
      onPointerMove: (event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return
        const under = document
          .elementFromPoint(event.clientX, event.clientY)
          ?.closest<HTMLElement>('[data-line]')
        const last = Number(under?.dataset.line ?? Number.NaN)
        if (Number.isInteger(last)) setChosen((now) => (now === undefined ? [last, last] : [now[0], last]))
      },
      onPointerUp: () => setWriting(true),
    }),
    onKeyDown: enabled ? onKeyDown : undefined,
  }
}
