import { ChevronDown, ChevronUp, X } from 'lucide-react'
import type { KeyboardEvent } from 'react'

import { Button } from '../ui/button.tsx'
import { Spinner } from '../ui/spinner.tsx'

interface FindBarProps {
  readonly wanted: string
  readonly onWanted: (wanted: string) => void
  /** Which of how many, from 0. */
  readonly at: number
  readonly count: number
  /** Older messages are still being read. */
  readonly reading: boolean
  readonly onStep: (step: 1 | -1) => void
  readonly onClose: () => void
}

/** Looks for text in all of a conversation, also in what is not on the page. */
export function FindBar({ wanted, onWanted, at, count, reading, onStep, onClose }: FindBarProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1)
    else if (event.key === 'Escape') onClose()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <search
      aria-label="Find in this chat"
      onKeyDown={onKeyDown}
      className="absolute right-3 top-2 z-10 flex w-[min(360px,calc(100%-24px))] animate-fade items-center gap-0.5 rounded-card border border-line bg-raised p-1 shadow-float"
    >
      <input
        type="text"
        // biome-ignore lint/a11y/noAutofocus: whoever opens it is about to type.
        autoFocus
        aria-label="Text to find"
        placeholder="Find in this chat"
        autoComplete="off"
        spellCheck={false}
        value={wanted}
        onChange={(event) => onWanted(event.target.value)}
        onFocus={(event) => event.target.select()}
        className="h-7 min-w-0 flex-1 rounded-control bg-transparent px-2 text-sm outline-none max-sm:text-base"
      />
      <span role="status" className="flex shrink-0 items-center gap-1.5 px-1 text-xs tabular-nums text-ink-2">
        {reading ? <Spinner className="size-3" /> : null}
        {wanted === '' ? '' : count === 0 ? (reading ? 'Reading on' : 'Not found') : `${at + 1} of ${count}`}
      </span>
      <Button
        tone="quiet"
        size="icon"
        aria-label="Previous place"
        title="Previous place (Shift+Enter)"
        disabled={count === 0}
        onClick={() => onStep(-1)}
        className="size-7!"
        icon={<ChevronUp className="size-4" />}
      />
      <Button
        tone="quiet"
        size="icon"
        aria-label="Next place"
        title="Next place (Enter)"
        disabled={count === 0}
        onClick={() => onStep(1)}
        className="size-7!"
        icon={<ChevronDown className="size-4" />}
      />
      <Button
        tone="quiet"
        size="icon"
        aria-label="Close"
        title="Close (Esc)"
        onClick={onClose}
        className="size-7!"
        icon={<X className="size-4" />}
      />
    </search>
  )
}
