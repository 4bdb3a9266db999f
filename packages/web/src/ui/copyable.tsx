import { Check, Copy, type LucideIcon } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import { classNames } from './class-names.ts'
import { copyText } from './copy-text.ts'

const CONFIRM_MS = 2000

type CopyState = 'idle' | 'copied' | 'refused'

function useCopy(text: string): { readonly state: CopyState; readonly copy: () => Promise<void> } {
  const [state, setState] = useState<CopyState>('idle')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async () => {
    const done = await copyText(text)
    setState(done ? 'copied' : 'refused')
    clearTimeout(timer.current)
    if (done) timer.current = setTimeout(() => setState('idle'), CONFIRM_MS)
  }
  return { state, copy }
}

/** A button that copies `text` and says so for two seconds (UI-508). */
export function CopyButton({
  text,
  label = 'Copy',
  icon: Icon = Copy,
}: {
  readonly text: string
  readonly label?: string
  readonly icon?: LucideIcon
}) {
  const { state, copy } = useCopy(text)
  return (
    <button
      type="button"
      onClick={() => void copy()}
      aria-label={state === 'copied' ? 'Copied' : label}
      title={state === 'refused' ? 'The browser does not allow copying here: select the text instead' : label}
      className="inline-flex size-7 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
    >
      {state === 'copied' ? <Check className="size-3.5 text-ok" /> : <Icon className="size-3.5" />}
    </button>
  )
}

/** An id in mono; a click copies the whole of it. `short` shows the first eight characters only. */
export function CopyableId({ id, short = false }: { readonly id: string; readonly short?: boolean }) {
  const { state, copy } = useCopy(id)
  return (
    <button
      type="button"
      onClick={() => void copy()}
      title={`Copy ${id}`}
      className="inline-flex min-h-6 max-w-full items-center gap-1 rounded-sm text-left align-middle font-mono text-xs text-ink-2 hover:text-ink"
    >
      <span className={classNames('break-all', state === 'refused' && 'select-all')}>
        {short && state !== 'refused' ? id.slice(0, 8) : id}
      </span>
      {state === 'copied' ? (
        <Check className="size-3 shrink-0 text-ok" aria-label="Copied" />
      ) : (
        <Copy className="size-3 shrink-0 opacity-60" aria-hidden="true" />
      )}
    </button>
  )
}

/** One line of code with a copy button. */
export function CopyableCode({ code, label }: { readonly code: string; readonly label: string }) {
  return (
    <div className="flex min-w-0 items-center gap-1 rounded-control border border-line bg-bg py-0.5 pl-2.5 pr-1">
      <code
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
        tabIndex={0}
        className="min-w-0 flex-1 overflow-x-auto whitespace-nowrap py-1 text-sm [scrollbar-width:none]"
      >
        {code}
      </code>
      <CopyButton text={code} label={label} />
    </div>
  )
}
